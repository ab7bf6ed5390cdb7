// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/parameterization.hpp>

#include <ddpm/process/forward.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>

#include "support/catch.hpp"
#include "support/predictions.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <utility>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("eps -> x0 -> v -> score -> eps is the identity", "[process]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(4, 3, 1);
    const batch<S> eps = pattern<S>(4, 3, 2);
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            const batch<S> xt = q_sample(schedule, x0, t, eps);
            batch<S> value = eps;
            value = convert(schedule, prediction::epsilon, prediction::x0, xt, t, value);
            value = convert(schedule, prediction::x0, prediction::v, xt, t, value);
            value = convert(schedule, prediction::v, prediction::flow, xt, t, value);
            value = convert(schedule, prediction::flow, prediction::score, xt, t, value);
            value = convert(schedule, prediction::score, prediction::epsilon, xt, t, value);
            // Going through x_0 magnifies rounding by 1/σ and by σ/α.
            const auto level = noise_level_at(schedule, t);
            const double condition = 1 / (level.signal * level.sigma);
            INFO(name << ", t = " << t);
            CHECK(static_cast<double>((value - eps).abs().maxCoeff()) < ulps<S>(32) * condition);
        }
    }
}

TEST_CASE("an error is converted as a prediction is, also where the conversion is infinite", "[process]") {
    const noise_level<double> level{0.8, 0.6};
    for (const prediction from : all_predictions) {
        for (const prediction to : {prediction::x0, prediction::epsilon}) {
            CHECK(error_factor(from, to, level) == conversion(from, to, level).value);
        }
        CHECK_THROWS_AS(error_factor(from, prediction::v, level), value_error);
    }
    const noise_level<double> noise{0, 1}, clean_sample{1, 0};
    CHECK(std::isinf(error_factor(prediction::epsilon, prediction::x0, noise)));
    CHECK(std::isinf(error_factor(prediction::score, prediction::x0, noise)));
    CHECK(error_factor(prediction::v, prediction::x0, noise) == -1);
    CHECK(std::isinf(error_factor(prediction::x0, prediction::epsilon, clean_sample)));
    CHECK(error_factor(prediction::x0, prediction::x0, clean_sample) == 1);
}

TEST_CASE("every conversion gives the quantity that its definition names", "[process]") {
    const batch<double> x0 = pattern<double>(4, 3, 1);
    const batch<double> eps = pattern<double>(4, 3, 2);
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            const auto [alpha, sigma] = noise_level_at(schedule, t);
            const batch<double> xt = q_sample(schedule, x0, t, eps);
            const batch<double> truth[] = {eps, x0, alpha * eps - sigma * x0, -eps / sigma, eps - x0};
            for (const prediction from : all_predictions) {
                for (const prediction to : all_predictions) {
                    const batch<double>& expected = truth[static_cast<int>(to)];
                    const batch<double> got = convert(schedule, from, to, xt, t, truth[static_cast<int>(from)]);
                    INFO(name << ", t = " << t << ", " << name_of(from) << " to " << name_of(to));
                    CHECK((got - expected).abs().maxCoeff() <
                          1e-14 / (alpha * sigma * sigma) * (1 + expected.abs().maxCoeff()));
                }
            }
        }
    }
}

TEST_CASE("quantities are converted at the times of a continuous schedule", "[process]") {
    const batch<double> x0 = pattern<double>(4, 2, 1), eps = pattern<double>(4, 2, 2);
    const std::vector<double> u{0.3, 0.8};
    const rectified_flow schedule;
    const batch<double> xt = q_sample(schedule, x0, u, eps);
    batch<double> truth[] = {eps, x0, x0, x0, eps - x0};
    for (isize n = 0; n < 2; ++n) {
        const auto [alpha, sigma] = schedule.level(u[static_cast<std::size_t>(n)]);
        truth[static_cast<int>(prediction::v)].col(n) =
            (alpha * eps.col(n) - sigma * x0.col(n)) / std::sqrt(alpha * alpha + sigma * sigma);
        truth[static_cast<int>(prediction::score)].col(n) = -eps.col(n) / sigma;
    }
    for (const prediction from : all_predictions) {
        for (const prediction to : all_predictions) {
            const batch<double> got = convert(schedule, from, to, xt, u, truth[static_cast<int>(from)]);
            INFO(name_of(from) << " to " << name_of(to));
            CHECK((got - truth[static_cast<int>(to)]).abs().maxCoeff() < 1e-13);
        }
    }
    CHECK((convert(variance_exploding{}, prediction::epsilon, prediction::x0, xt, 80, eps) - (xt - 80 * eps))
              .abs()
              .maxCoeff() < 1e-12);
    CHECK_THROWS_AS(convert(schedule, prediction::epsilon, prediction::x0, xt, 1, eps), value_error);
    CHECK_THROWS_AS(convert(schedule, prediction::x0, prediction::epsilon, xt, 0, x0), value_error);
    CHECK_THROWS_AS(convert(schedule, prediction::v, prediction::x0, xt, 1.5, x0), value_error);
    CHECK_THROWS_AS(convert(schedule, prediction::v, prediction::x0, xt, std::vector<double>{0.1}, x0), shape_error);
    const batch<double> fewer = x0.topRows(x0.rows() - 1);
    CHECK_THROWS_WITH(convert(schedule, prediction::v, prediction::x0, xt, 0.1, fewer),
                      ContainsSubstring("convert: value has the shape of xt"));
}

TEST_CASE("conversions hold at levels that do not preserve the variance", "[process]") {
    const double x0 = 0.7, eps = -1.2;
    for (const auto& [alpha, sigma] :
         {noise_level<double>{1, 3}, noise_level<double>{0.25, 0.75}, noise_level<double>{2, 0.5}}) {
        const double length = std::sqrt(alpha * alpha + sigma * sigma);
        const double xt = alpha * x0 + sigma * eps;
        const double truth[] = {eps, x0, (alpha * eps - sigma * x0) / length, -eps / sigma, eps - x0};
        for (const prediction from : all_predictions) {
            for (const prediction to : all_predictions) {
                const affine c = conversion(from, to, noise_level<double>{alpha, sigma});
                CHECK(std::abs(c.xt * xt + c.value * truth[static_cast<int>(from)] - truth[static_cast<int>(to)]) <
                      1e-13);
            }
        }
    }
}

TEST_CASE("each sample is converted at its own time", "[process]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    const batch<float> x = pattern<float>(3, 2, 1);
    const batch<float> value = pattern<float>(3, 2, 2);
    const auto both = convert(schedule, prediction::v, prediction::x0, x, std::vector<isize>{5, 40}, value);
    CHECK((both.col(0) == convert(schedule, prediction::v, prediction::x0, x.col(0), 5, value.col(0)).col(0)).all());
    CHECK((both.col(1) == convert(schedule, prediction::v, prediction::x0, x.col(1), 40, value.col(1)).col(0)).all());
}

TEST_CASE("v stays finite where alpha_bar is 0; eps does not exist there", "[process]") {
    const noise_schedule<> schedule{std::vector<double>{0.5, 1.0}};
    const batch<double> x = pattern<double>(3, 2, 1);
    CHECK((convert(schedule, prediction::v, prediction::x0, x, 1, x) == -x).all());
    CHECK((convert(schedule, prediction::v, prediction::epsilon, x, 1, x) == x).all());
    CHECK(convert(schedule, prediction::x0, prediction::v, x, 1, x).allFinite());
    for (const prediction to : {prediction::x0, prediction::v, prediction::flow}) {
        CHECK_THROWS_AS(convert(schedule, prediction::epsilon, to, x, 1, x), value_error);
        CHECK_THROWS_AS(convert(schedule, prediction::score, to, x, 1, x), value_error);
    }
    const noise_level<double> none{1, 0};
    CHECK_THROWS_AS(conversion(prediction::x0, prediction::epsilon, none), value_error);
    CHECK_THROWS_AS(conversion(prediction::epsilon, prediction::score, none), value_error);
}

TEST_CASE("convert: shapes and times that do not fit are errors", "[process]") {
    const noise_schedule schedule{linear_beta{}, 10};
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> narrow(3, 1);
    const auto to_x0 = [&](const auto& value, const per_sample<isize>& t) {
        return convert(schedule, prediction::epsilon, prediction::x0, x, t, value);
    };
    CHECK_THROWS_AS(to_x0(narrow, 1), shape_error);
    CHECK_THROWS_AS(to_x0(x, std::vector<isize>{1, 2, 3}), shape_error);
    CHECK_THROWS_AS(to_x0(x, 10), value_error);
    CHECK_THROWS_AS(to_x0(x, -1), value_error);
    CHECK_THROWS_AS(convert(schedule, prediction::epsilon, prediction::x0, x, 1, x, narrow), shape_error);
    CHECK(convert(schedule_archetype{}, prediction::v, prediction::score, x, 1, x).allFinite());
}

namespace {

/// x_t and ε as functions of x_t and the quantity `from`, in long double; x_0 follows from them.
struct exact_conversion {
    long double alpha, sigma;
    [[nodiscard]] std::pair<long double, long double> operator()(prediction from, prediction to) const {
        const long double square = alpha * alpha + sigma * sigma, length = std::sqrt(square), sum = alpha + sigma;
        const std::pair<long double, long double> table[5][5] = {{{0, 1},
                                                                  {1 / alpha, -sigma / alpha},
                                                                  {-sigma / alpha / length, length / alpha},
                                                                  {0, -1 / sigma},
                                                                  {-1 / alpha, sum / alpha}},
                                                                 {{1 / sigma, -alpha / sigma},
                                                                  {0, 1},
                                                                  {alpha / sigma / length, -length / sigma},
                                                                  {-1 / (sigma * sigma), alpha / (sigma * sigma)},
                                                                  {1 / sigma, -sum / sigma}},
                                                                 {{sigma / square, alpha / length},
                                                                  {alpha / square, -sigma / length},
                                                                  {0, 1},
                                                                  {-1 / square, -alpha / length / sigma},
                                                                  {(sigma - alpha) / square, sum / length}},
                                                                 {{0, -sigma},
                                                                  {1 / alpha, sigma * sigma / alpha},
                                                                  {-sigma / alpha / length, -sigma * length / alpha},
                                                                  {0, 1},
                                                                  {-1 / alpha, -sigma * sum / alpha}},
                                                                 {{1 / sum, alpha / sum},
                                                                  {1 / sum, -sigma / sum},
                                                                  {(alpha - sigma) / sum / length, length / sum},
                                                                  {-1 / sum / sigma, -alpha / sum / sigma},
                                                                  {0, 1}}};
        return table[static_cast<int>(from)][static_cast<int>(to)];
    }
};

}  // namespace

TEST_CASE("coefficients of conversions keep their bounds of roundings", "[process]") {
    random_numbers random;
    for (int i = 0; i < 500; ++i) {
        const double alpha = random.of_any_size(1e-3, 1e3);
        const double sigma = i % 2 == 0 ? random.of_any_size(1e-3, 1e3) : alpha * random.uniform(0.999, 1.001);
        const long double square = static_cast<long double>(alpha) * alpha + static_cast<long double>(sigma) * sigma;
        for (const prediction from : all_predictions) {
            for (const prediction to : all_predictions) {
                const affine got = conversion(from, to, noise_level<double>{alpha, sigma});
                const auto [xt, value] = exact_conversion{alpha, sigma}(from, to);
                const bool cancels = (from == prediction::v && to == prediction::flow) ||
                                     (from == prediction::flow && to == prediction::v);
                const long double size = cancels ? (alpha + sigma) / square : std::abs(xt);
                INFO(name_of(from) << " to " << name_of(to) << " at " << alpha << ", " << sigma);
                CHECK(within(got.xt, xt, roundings<double>(8) * size));
                CHECK(within(got.value, value, roundings<double>(8) * std::abs(value)));
            }
        }
    }
}

TEMPLATE_TEST_CASE("conversions keep their bound of roundings", "[process]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> xt = random.values<S>(50, 1), value = random.values<S>(50, 1);
    for (const double u : {0.01, 0.4, 0.9}) {
        for (const prediction from : all_predictions) {
            for (const prediction to : all_predictions) {
                const batch<S> got = convert(rectified_flow{}, from, to, xt, u, value);
                const affine c = conversion(from, to, rectified_flow{}.level(u));
                for (isize i = 0; i < 50; ++i) {
                    const long double a = static_cast<long double>(c.xt) * xt(i),
                                      b = static_cast<long double>(c.value) * value(i);
                    CHECK(within(got(i), a + b, roundings<S>(3) * (std::abs(a) + std::abs(b))));
                }
            }
        }
    }
}

}  // namespace ddpm::test
