// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/differentiable.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/predictor/mixture_posterior.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/gaussian_oracle.hpp"
#include "support/mixtures.hpp"
#include "support/predictions.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace ddpm::test {
namespace {

noise_level<double> flow_level(double t) { return {1 - t, t}; }
noise_level<double> exploding_level(double t) { return {1, t}; }

}  // namespace

static_assert(PredictorLike<mixture_oracle, float> && PredictorLike<mixture_oracle, double>);
static_assert(DifferentiableLike<mixture_oracle, float> && DifferentiableLike<mixture_oracle, double>);

TEMPLATE_TEST_CASE("the oracle's predictions of every kind agree", "[predictor]", float, double) {
    using S = TestType;
    const batch<S> x = pattern<S>(3, 4, 1);
    const std::vector<double> t{0.02, 0.3, 0.5, 0.95};
    for (const named_mixture& named : all_mixtures(3)) {
        for (const auto level : {flow_level, exploding_level}) {
            const batch<S> eps = evaluate<S>(mixture_oracle(named.mixture, level), x, t);
            for (const prediction kind : all_predictions) {
                INFO(named.name << ", " << name_of(kind));
                const mixture_oracle oracle(named.mixture, level, kind);
                CHECK(prediction_of(oracle) == kind);
                CHECK(shape_of(oracle) == sample_shape(3));
                const batch<S> got = evaluate<S>(oracle, x, t);
                for (isize n = 0; n < 4; ++n) {
                    const affine c = conversion(prediction::epsilon, kind, level(t[static_cast<std::size_t>(n)]));
                    const batch<S> expected = static_cast<S>(c.xt) * x.col(n) + static_cast<S>(c.value) * eps.col(n);
                    const double size = 1 + std::abs(c.xt) + std::abs(c.value);
                    CHECK(static_cast<double>((got.col(n) - expected).abs().maxCoeff()) < size * ulps<S>(32));
                }
            }
        }
    }
}

TEST_CASE("the score is the gradient of the density", "[predictor]") {
    const isize d = 3;
    const double h = 1e-4;
    const batch<double> x = pattern<double>(d, 4, 1);
    const std::vector<double> t{0.05, 0.3, 0.6, 1};
    for (const named_mixture& named : all_mixtures(d)) {
        const mixture_oracle oracle(named.mixture, flow_level, prediction::score);
        const batch<double> score = evaluate<double>(oracle, x, t);
        std::vector<noise_level<double>> level;
        for (const double time : t) {
            level.push_back(flow_level(time));
        }
        for (isize i = 0; i < d; ++i) {
            batch<double> above = x, below = x;
            above.row(i) += h;
            below.row(i) -= h;
            const per_sample_values<double> slope =
                (log_density(named.mixture, above, level) - log_density(named.mixture, below, level)) / (2 * h);
            CHECK((slope - score.row(i)).abs().maxCoeff() < 1e-6);
        }
        const batch<double> eps = evaluate<double>(mixture_oracle(named.mixture, flow_level), x, t);
        for (isize n = 0; n < 4; ++n) {  // Tweedie: ε̂ = −σ ∇ ln p
            CHECK((eps.col(n) + t[static_cast<std::size_t>(n)] * score.col(n)).abs().maxCoeff() < 1e-13);
        }
    }
}

TEST_CASE("the oracle is finite at the ends of every process, for every prediction", "[predictor]") {
    const batch<double> x = pattern<double>(2, 2, 1);
    for (const named_mixture& named : all_mixtures(2)) {
        for (const prediction kind : all_predictions) {
            const batch<double> got = evaluate<double>(mixture_oracle(named.mixture, flow_level, kind), x, {0, 1});
            CHECK(got.isFinite().all());
            if (kind == prediction::v || kind == prediction::flow) {
                const auto given = x0_given_xt(named.mixture, x, std::vector{flow_level(0), flow_level(1)});
                const double of_x = kind == prediction::v ? 0 : 1;  // at t = 1: v = −x̂_0, flow = x_t − x̂_0
                CHECK((got.col(0) + of_x * given.mean.col(0)).abs().maxCoeff() < 1e-14);  // at t = 0 ε̂ is 0
                CHECK((got.col(1) - of_x * x.col(1) + given.mean.col(1)).abs().maxCoeff() < 1e-14);
            }
        }
    }
}

TEMPLATE_TEST_CASE("with one Gaussian over a schedule it is the Gaussian oracle", "[predictor]", float, double) {
    using S = TestType;
    const noise_schedule<> schedule{cosine_beta{}, 100};
    const gaussian_oracle<noise_schedule<>> expected{schedule, 0.3, 0.2};
    const mixture_oracle oracle(gaussian_mixture::isotropic({1}, batch<double>::Constant(4, 1, 0.3), {0.2}), schedule);
    const batch<S> x = pattern<S>(4, 3, 2);
    const std::vector<double> t{0, 40, 99};
    const batch<S> difference = evaluate<S>(oracle, x, t) - evaluate<S>(expected, x, t);
    CHECK(static_cast<double>(difference.abs().maxCoeff()) < ulps<S>(16));
}

TEST_CASE("times between those of a schedule are between its levels", "[predictor]") {
    const noise_schedule<> schedule{linear_beta{}, 1000};
    const named_mixture named = all_mixtures(2).back();
    const batch<double> x = pattern<double>(2, 3, 2);
    const std::vector<double> t{10.25, 500.5, 998.75};
    const level_function level_of(schedule);
    std::vector<noise_level<double>> level;
    for (const double time : t) {
        level.push_back(level_of(time));
    }
    const batch<double> got = evaluate<double>(mixture_oracle(named.mixture, schedule), x, t);
    CHECK((got == epsilon_given_xt(named.mixture, x, level)).all());
}

TEST_CASE("the oracle does not depend on the batch, the threads or the session before", "[predictor]") {
    const isize count = 500;
    const batch<float> x = pattern<float>(4, count, 3);
    const std::vector<double> t(static_cast<std::size_t>(count), 0.4);
    for (const named_mixture& named : all_mixtures(4)) {
        const mixture_oracle oracle(named.mixture, flow_level, prediction::v);
        auto session = oracle.session(count);
        const batch<float> all = call<float>(session, x, t);
        CHECK((call<float>(session, x, t) == all).all());
        for (const isize threads : {isize{1}, isize{3}}) {
            set_thread_count(threads);
            CHECK((evaluate<float>(oracle, x, t) == all).all());
        }
        set_thread_count(0);
        const batch<float> part = x.middleCols(123, 5);
        CHECK((evaluate<float>(oracle, part, std::vector<double>(5, 0.4)) == all.middleCols(123, 5)).all());
    }
}

TEST_CASE("the oracle's variance head is Var[x_0|x_t]", "[predictor]") {
    const batch<double> x = pattern<double>(2, 3, 1);
    const std::vector<double> t{0.2, 0.6, 1};
    for (const named_mixture& named : all_mixtures(2)) {
        INFO(named.name);
        batch<double> out(2, 3), each(2, 3), mean(2, 3);
        const mixture_oracle of_each(named.mixture, flow_level, prediction::v),
            of_mean(named.mixture, flow_level, prediction::v, oracle_variance::mean);
        auto session_of_each = of_each.session(3);
        session_of_each(batch_view<const double>(x), std::span<const double>(t), model_output<double>{out, each});
        const batch<double> predicted = out;
        auto session_of_mean = of_mean.session(3);
        session_of_mean(batch_view<const double>(x), std::span<const double>(t), model_output<double>{out, mean});
        CHECK((out == predicted).all());
        CHECK((out == evaluate<double>(of_each, x, t)).all());
        for (isize n = 0; n < 3; ++n) {
            // E[x_0|x_t] and E[x_0²|x_t] by a sum over a fine grid of x_0.
            const auto [alpha, sigma] = flow_level(t[static_cast<std::size_t>(n)]);
            Eigen::Array2d first = Eigen::Array2d::Zero(), second = first;
            double total = 0;
            constexpr double h = 0.05;
            for (double a = -7; a <= 7; a += h) {
                for (double b = -7; b <= 7; b += h) {
                    const Eigen::Array2d x0(a, b);
                    const double weight = named.density(x0.matrix()) *
                                          std::exp(-(x.col(n) - alpha * x0).square().sum() / (2 * sigma * sigma));
                    total += weight;
                    first += weight * x0;
                    second += weight * x0.square();
                }
            }
            const Eigen::Array2d variance = second / total - (first / total).square();
            CHECK((each.col(n) - variance).abs().maxCoeff() < 1e-9);
            CHECK(std::abs(each.col(n).mean() - mean(0, n)) < 1e-14);
            CHECK(mean(0, n) == mean(1, n));
        }
    }
}

TEST_CASE("the oracle's Jacobian is that of central differences", "[predictor]") {
    const isize d = 3;
    const batch<double> x = pattern<double>(d, 4, 1), v = pattern<double>(d, 4, 5);
    const std::vector<double> t{0.05, 0.3, 0.6, 0.95};
    for (const named_mixture& named : all_mixtures(d)) {
        for (const auto level : {flow_level, exploding_level}) {
            for (const prediction kind : all_predictions) {
                INFO(named.name << ", " << name_of(kind));
                const mixture_oracle oracle(named.mixture, level, kind);
                auto session = oracle.session(4);
                batch<double> got(d, 4);
                session.vector_jacobian(batch_view<const double>(x), std::span<const double>(t),
                                        batch_view<const double>(v), batch_view<double>(got));
                double largest = 1;
                for (isize i = 0; i < d; ++i) {
                    constexpr double h = 1e-5;
                    batch<double> above = x, below = x;
                    above.row(i) += h;
                    below.row(i) -= h;
                    const batch<double> slope =
                        (evaluate<double>(oracle, above, t) - evaluate<double>(oracle, below, t)) / (2 * h);
                    const per_sample_values<double> expected = (slope * v).colwise().sum();
                    largest = std::max(largest, expected.abs().maxCoeff());
                    CHECK((got.row(i) - expected).abs().maxCoeff() < 1e-7 * largest);
                }
            }
        }
    }
}

TEST_CASE("the oracle's Jacobian is finite at the ends of every process, for every prediction", "[predictor]") {
    const batch<double> x = pattern<double>(2, 2, 1);
    const std::vector<double> t{0, 1};
    for (const named_mixture& named : all_mixtures(2)) {
        for (const prediction kind : all_predictions) {
            const mixture_oracle oracle(named.mixture, flow_level, kind);
            auto session = oracle.session(2);
            batch<double> got(2, 2);
            session.vector_jacobian(batch_view<const double>(x), std::span<const double>(t),
                                    batch_view<const double>(x), batch_view<double>(got));
            CHECK(got.isFinite().all());
            if (kind == prediction::x0) {
                CHECK((got.col(0) - x.col(0)).abs().maxCoeff() < 1e-12);
                CHECK(got.col(1).abs().maxCoeff() < 1e-14);
            }
        }
    }
}

TEST_CASE("mixture_oracle: what does not fit is an error", "[predictor]") {
    const noise_schedule<> schedule{linear_beta{}, 10};
    const mixture_oracle oracle(gaussian_mixture::isotropic({1}, some_means(2, 1), {1}), schedule);
    const batch<double> x = batch<double>::Zero(2, 3);
    CHECK_NOTHROW(evaluate<double>(oracle, x, {0, 1, 9}));
    CHECK_THROWS_AS(evaluate<double>(oracle, x, {0, 1}), shape_error);
    CHECK_THROWS_AS(evaluate<double>(oracle, batch<double>::Zero(3, 3), {0, 1, 2}), shape_error);
    CHECK_THROWS_AS(evaluate<double>(oracle, x, {0, 1, 9.5}), value_error);
    CHECK_THROWS_AS(evaluate<double>(oracle, x, {-1, 1, 9}), value_error);
    batch<double> narrow(2, 2);
    const std::vector<double> t{0, 1, 2};
    auto session = oracle.session(3);
    const batch_view<const double> xt(x);
    CHECK_THROWS_AS(session(xt, std::span<const double>(t), model_output<double>{narrow, {}}), shape_error);
    batch<double> out(2, 3);
    CHECK_THROWS_AS(session(xt, std::span<const double>(t), model_output<double>{out, narrow}), shape_error);
    const auto multiply = [&](std::size_t times, const batch<double>& v, batch<double>& to) {
        session.vector_jacobian(xt, std::span<const double>(t).first(times), batch_view<const double>(v),
                                batch_view<double>(to));
    };
    CHECK_NOTHROW(multiply(3, x, out));
    CHECK_THROWS_AS(multiply(2, x, out), shape_error);
    CHECK_THROWS_AS(multiply(3, narrow, out), shape_error);
    CHECK_THROWS_AS(multiply(3, x, narrow), shape_error);
}

}  // namespace ddpm::test
