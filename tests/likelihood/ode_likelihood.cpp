// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/likelihood/ode_likelihood.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/predictor/mixture_posterior.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/mixtures.hpp"
#include "support/predictions.hpp"
#include "support/rounding.hpp"
#include "support/watched.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

namespace ddpm::test {
namespace {

/// The smallest standard deviation of any component along any axis.
double smallest_deviation(const gaussian_mixture& mixture) {
    return std::sqrt(mixture.principal_variances().minCoeff());
}

template <class Schedule>
mixture_oracle oracle_of(const gaussian_mixture& mixture, const Schedule& schedule,
                         prediction kind = prediction::epsilon) {
    return {mixture, [schedule](double u) { return schedule.level(u); }, kind};
}

/// ln p of x_0 plus noise: what the flow should find that begins there.
per_sample_values<double> noisy_log_density(const gaussian_mixture& mixture, const batch<double>& x0, double ratio) {
    return log_density(mixture, x0, noise_level<double>{1, ratio});
}

/// A predictor that gives nothing finite.
struct failing_network {
    void operator()(batch_view<const double>, std::span<const double>, const model_output<double>& out) const {
        out.prediction.array().setConstant(std::numeric_limits<double>::quiet_NaN());
    }
    void vector_jacobian(batch_view<const double>, std::span<const double>, batch_view<const double>,
                         batch_view<double> out) const {
        out.array().setConstant(std::numeric_limits<double>::quiet_NaN());
    }
};

}  // namespace

TEST_CASE("the likelihood by the probability flow is the exact density of the data", "[likelihood]") {
    for (const named_mixture& named : all_mixtures(2)) {
        const gaussian_mixture& mixture = named.mixture;
        const double s = smallest_deviation(mixture);
        const batch<double> x = mixture.sample(100, 3);
        const per_sample_values<double> exact = log_density(mixture, x, noise_level<double>{1, 0});
        const auto largest_error = [&](const auto& schedule, const sigma_range& range, prediction kind,
                                       const ode_likelihood_options& options) {
            const auto result = ode_likelihood(schedule, range, oracle_of(mixture, schedule, kind), x, options);
            CHECK(result.finished);
            return (result.log_density - exact).abs().maxCoeff() / 2;  // per dimension
        };
        INFO(named.name);
        const variance_preserving schedule;
        const auto known_end = [&](const batch<double>& noise) {
            return log_density(mixture, noise, schedule.level(schedule.time_of(150)));
        };
        CHECK(largest_error(schedule, {0.02 * s, 150}, prediction::epsilon, {.tolerance = 1e-6, .prior = known_end}) <
              1e-3);
        CHECK(largest_error(schedule, {0.002 * s, 150}, prediction::epsilon, {.tolerance = 1e-6, .prior = known_end}) <
              3e-5);
        for (const prediction kind : all_predictions) {
            CHECK(largest_error(schedule, {0.01 * s, 1e4}, kind, {.tolerance = 1e-6}) < 2e-4);
        }
        CHECK(largest_error(variance_exploding{}, {0.01 * s, 1e4}, prediction::x0, {.tolerance = 1e-6}) < 2e-4);
        CHECK(largest_error(rectified_flow{}, {0.01 * s, 1e4}, prediction::flow, {.tolerance = 1e-6}) < 2e-4);
    }
}

TEST_CASE("the error falls with the tolerance", "[likelihood]") {
    const named_mixture named = all_mixtures(3).back();
    const batch<double> x = named.mixture.sample(20, 4);
    const variance_exploding schedule;
    const auto known_end = [&](const batch<double>& noise) {
        return log_density(named.mixture, noise, noise_level<double>{1, 50});
    };
    double before = 1;
    isize steps_before = 0;
    for (const double tolerance : {1e-4, 1e-6, 1e-8, 1e-10}) {
        const auto result = ode_likelihood(schedule, {0.01, 50}, oracle_of(named.mixture, schedule), x,
                                           {.tolerance = tolerance, .prior = known_end});
        const double error = (result.log_density - noisy_log_density(named.mixture, x, 0.01)).abs().maxCoeff() / 3;
        INFO(tolerance << ": " << error << ", " << result.evaluations);
        CHECK(error < 30 * tolerance);
        CHECK(error < before / 10);
        CHECK(result.steps[0] > steps_before);
        CHECK(result.evaluations > 6 * result.steps[0]);
        before = error;
        steps_before = result.steps[0];
    }
}

TEST_CASE("likelihoods over a discrete schedule use the times between its own", "[likelihood]") {
    const noise_schedule<> schedule{linear_beta{}, 1000};
    const named_mixture named = all_mixtures(2).back();
    const mixture_oracle oracle(named.mixture, schedule);
    const sigma_range range = sigma_table(schedule).range();
    const batch<double> x = named.mixture.sample(20, 5);
    const auto result = ode_likelihood(schedule, range, oracle, x,
                                       {.tolerance = 1e-6, .prior = [&](const batch<double>& noise) {
                                            return log_density(named.mixture, noise, noise_level_at(schedule, 999));
                                        }});
    CHECK((result.log_density - noisy_log_density(named.mixture, x, range.lowest)).abs().maxCoeff() < 1e-4);
}

TEST_CASE("likelihoods of float networks are near those of double ones", "[likelihood]") {
    const named_mixture named = all_mixtures(3).front();
    const variance_preserving schedule;
    const mixture_oracle oracle = oracle_of(named.mixture, schedule);
    const batch<double> x = named.mixture.sample(20, 6);
    const auto of_double = ode_likelihood(schedule, {0.01, 1e3}, oracle, x);
    const auto of_float = ode_likelihood(schedule, {0.01, 1e3}, oracle, batch<float>(x.cast<float>()));
    CHECK((of_double.log_density - of_float.log_density).abs().maxCoeff() < 1e-3);
}

TEST_CASE("Hutchinson's estimate is unbiased, and says how exact it is", "[likelihood]") {
    const named_mixture named = all_mixtures(4).back();
    const variance_preserving schedule;
    const mixture_oracle oracle = oracle_of(named.mixture, schedule, prediction::v);
    const batch<double> x = named.mixture.sample(40, 7);
    const sigma_range range{0.02, 200};
    const auto exact = ode_likelihood(schedule, range, oracle, x);
    CHECK((exact.standard_error == 0).all());
    for (const trace_method method : {trace_method::rademacher, trace_method::gaussian}) {
        const auto estimate =
            ode_likelihood(schedule, range, oracle, x, {.trace = {.method = method, .probes = 64, .seed = 1}});
        const per_sample_values<double> deviations =
            (estimate.log_density - exact.log_density) / estimate.standard_error;
        // Of 40 standard normals: the mean, the mean square and the largest.
        CHECK(std::abs(deviations.mean()) < 5 / std::sqrt(40.0));
        CHECK(std::abs(deviations.square().mean() - 1) < 5 * std::sqrt(2 / 40.0));
        CHECK(deviations.abs().maxCoeff() < 5);
        const auto one = ode_likelihood(schedule, range, oracle, x, {.trace = {.method = method, .seed = 1}});
        CHECK(std::isinf(one.standard_error(0)));
        CHECK(one.log_density.isFinite().all());
    }
}

TEST_CASE("the likelihood of a sample depends neither on its neighbours nor on the split", "[likelihood]") {
    const named_mixture named = all_mixtures(3).back();
    const variance_preserving schedule;
    const mixture_oracle oracle = oracle_of(named.mixture, schedule);
    const batch<double> x = named.mixture.sample(9, 8);
    for (const trace_method method : {trace_method::exact, trace_method::rademacher}) {
        const auto run = [&](const batch<double>& part, isize first) {
            return ode_likelihood(schedule, {0.02, 200}, oracle, part,
                                  {.trace = {.method = method, .probes = 3, .seed = 4, .first_sample = first}});
        };
        const auto all = run(x, 20), rest = run(x.rightCols(4), 25), one = run(x.col(2), 22);
        CHECK((all.log_density.tail(4) == rest.log_density).all());
        CHECK((all.standard_error.tail(4) == rest.standard_error).all());
        CHECK((all.noise.rightCols(4) == rest.noise).all());
        CHECK(all.log_density(2) == one.log_density(0));
        CHECK(all.steps[2] == one.steps[0]);
        CHECK(all.steps != std::vector<isize>(9, all.steps[0]));
    }
}

TEST_CASE("the density that a network gives adds up to one", "[likelihood]") {
    nn::mlp<double> net{{.dim = 1, .hidden = 8, .blocks = 1, .embedding = 4}};
    disturb(net, 0.3, 1);
    const variance_preserving schedule{.time_scale = 20};
    constexpr isize points = 401;
    constexpr double width = 0.05;
    batch<double> x(1, points);
    for (isize n = 0; n < points; ++n) {
        x(0, n) = width * static_cast<double>(n - points / 2);
    }
    for (const prediction kind : {prediction::v, prediction::x0}) {
        const auto result = ode_likelihood(schedule, {0.5, 20}, predicts(net, kind), x, {.tolerance = 1e-7});
        CHECK(result.finished);
        CHECK(std::abs(result.log_density.exp().sum() * width - 1) < 3e-5);
        CHECK(result.log_density(0) < -20);
        CHECK(result.log_density(points - 1) < -20);
    }
}

TEST_CASE("a sample that takes too many steps has no likelihood", "[likelihood]") {
    const named_mixture named = all_mixtures(2).front();
    const variance_preserving schedule;
    const mixture_oracle oracle = oracle_of(named.mixture, schedule);
    const batch<double> x = named.mixture.sample(30, 9);
    const auto all = ode_likelihood(schedule, {0.02, 200}, oracle, x);
    const isize most = all.steps[0];
    const auto some = ode_likelihood(schedule, {0.02, 200}, oracle, x, {.most_steps = most});
    CHECK(all.finished);
    CHECK_FALSE(some.finished);
    for (isize n = 0; n < 30; ++n) {
        const isize steps = all.steps[static_cast<std::size_t>(n)];
        CHECK(std::isnan(some.log_density(n)) == (steps > most));
        CHECK((steps > most || some.log_density(n) == all.log_density(n)));
        CHECK(some.steps[static_cast<std::size_t>(n)] == std::min(steps, most));
    }
    // A network that gives nothing finite takes no sample with it but ends.
    const auto broken = ode_likelihood(schedule, {0.02, 200}, oracle,
                                       batch<double>(x * std::numeric_limits<double>::infinity()), {.most_steps = 5});
    CHECK_FALSE(broken.finished);
    CHECK(broken.log_density.isNaN().all());
}

TEST_CASE("bits per dimension of data in cells", "[likelihood]") {
    // Evenly spread over 256 cells in 3 dimensions.
    const double width = 2.0 / 255, density = -3 * std::log(256 * width);
    CHECK(std::abs(discretized_bits_per_dimension(density, 3, width) - 8) < 1e-14);
    CHECK(discretized_bits_per_dimension(0, 5, 1) == 0);
    CHECK_THROWS_AS(discretized_bits_per_dimension(0, 0, 1), value_error);
    CHECK_THROWS_AS(discretized_bits_per_dimension(0, 1, 0), value_error);

    random_numbers random;
    for (isize d = 1; d < 200; ++d) {
        const double log_density = random.uniform(-1, 1) * random.of_any_size(0.1, 1e4),
                     size = random.of_any_size(1e-3, 10);
        const long double first = log_density / (static_cast<long double>(d) * std::numbers::ln2_v<long double>),
                          second = std::log2(static_cast<long double>(size));
        CHECK(ddpm::test::within(discretized_bits_per_dimension(log_density, d, size), -first - second,
                                 roundings<double>(4) * std::abs(first) + roundings<double>(3) * std::abs(second)));
    }
}

TEST_CASE("ode_likelihood: what does not fit is an error", "[likelihood]") {
    const named_mixture named = all_mixtures(2).front();
    const variance_preserving schedule;
    const mixture_oracle oracle = oracle_of(named.mixture, schedule);
    const batch<double> x = named.mixture.sample(3, 9);
    const auto run = [&](const sigma_range& range, const ode_likelihood_options& options) {
        return ode_likelihood(schedule, range, oracle, x, options);
    };
    CHECK_NOTHROW(run({0.1, 1}, {}));
    CHECK_THROWS_AS(run({0, 1}, {}), value_error);
    CHECK_THROWS_AS(run({1, 1}, {}), value_error);
    CHECK_THROWS_AS(run({1, std::numeric_limits<double>::infinity()}, {}), value_error);
    CHECK_THROWS_AS(run({0.1, 1}, {.tolerance = 0}), value_error);
    CHECK_THROWS_AS(run({0.1, 1}, {.first_step = 0}), value_error);
    CHECK_THROWS_AS(run({0.1, 1}, {.most_steps = 0}), value_error);
    CHECK_THROWS_AS(run({0.1, 1}, {.trace = {.probes = 0}}), value_error);
    const auto short_prior = [](const batch<double>&) -> per_sample_values<double> {
        return per_sample_values<double>::Zero(2);
    };
    CHECK_THROWS_AS(run({0.1, 1}, {.prior = short_prior}), shape_error);
    CHECK_THROWS_AS(ode_likelihood(schedule, {0.1, 1}, oracle, batch<double>(0, 3)), shape_error);
    CHECK(ode_likelihood(schedule, {0.1, 1}, oracle, batch<double>(2, 0)).log_density.size() == 0);
}

TEST_CASE("the likelihood of a sample that is not finite is NaN, that of the others right", "[likelihood]") {
    const named_mixture named = all_mixtures(2).back();
    const variance_preserving schedule;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const batch<double> x = named.mixture.sample(2, 3);
    const auto right = ode_likelihood(schedule, {0.01, 100}, oracle_of(named.mixture, schedule), x);
    REQUIRE(right.finished);
    for (const double value : {nan, std::numeric_limits<double>::infinity()}) {
        batch<double> bad = x;
        bad(1, 0) = value;
        const auto result = ode_likelihood(schedule, {0.01, 100}, oracle_of(named.mixture, schedule), bad);
        CHECK_FALSE(result.finished);
        CHECK(std::isnan(result.log_density(0)));
        CHECK(result.log_density(1) == right.log_density(1));
        CHECK(result.steps[1] == right.steps[1]);
    }
    // A network that fails.
    const auto sick = ode_likelihood(schedule, {0.01, 100}, failing_network{}, x);
    CHECK_FALSE(sick.finished);
    CHECK(sick.log_density.isNaN().all());
}

TEST_CASE("a likelihood may be watched and stopped", "[likelihood]") {
    const named_mixture named = all_mixtures(2).back();
    const variance_preserving schedule;
    const batch<double> x = named.mixture.sample(3, 3);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const auto result =
                ode_likelihood(schedule, {0.01, 100}, oracle_of(named.mixture, schedule), x, {.progress = progress});
            CHECK(result.finished == !std::isnan(result.log_density(0)));
            return {result.log_density(0), result.log_density(1), result.log_density(2)};
        },
        10);
}

}  // namespace ddpm::test
