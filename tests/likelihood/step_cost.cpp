// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/likelihood/step_cost.hpp>

#include <ddpm/loss/kl.hpp>
#include <ddpm/process/posterior.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace ddpm::test {

namespace {

constexpr step_variance all_variances[] = {step_variance::fixed_small, step_variance::fixed_large,
                                           step_variance::matched};

std::vector<double> some_errors(isize steps) {
    std::vector<double> errors;
    for (isize t = 0; t < steps; ++t) {
        errors.push_back(0.01 + std::abs(std::sin(static_cast<double>(t))));
    }
    return errors;
}

}  // namespace

TEST_CASE("the cost of a step is the KL of its Gaussians", "[likelihood]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const std::vector<double> errors = some_errors(schedule.steps());
        for (const step_variance variance : all_variances) {
            const step_cost cost(schedule, errors, {.variance = variance});
            for (const isize t : some_timesteps(schedule.steps())) {
                for (const isize s : some_timesteps(schedule.steps())) {
                    if (s >= t) {
                        continue;
                    }
                    const auto [x0, xt, beta_tilde] = posterior_at(schedule, s, t);
                    const double of_mean = x0 * x0 * errors[static_cast<std::size_t>(t)];
                    const double model = variance == step_variance::fixed_small ? beta_tilde
                                         : variance == step_variance::fixed_large
                                             ? transition_at(schedule, s, t).variance
                                             : beta_tilde + of_mean;
                    const double expected =
                        kl_gaussians(0.0, std::log(beta_tilde), std::sqrt(of_mean), std::log(model));
                    INFO(name << ", " << t << " to " << s);
                    CHECK(std::abs(cost(t, s) - expected) < 1e-9 * expected + 1e-13);
                }
            }
        }
    }
}

TEST_CASE("with the posterior's variance a step costs the error times half the fall of the signal-to-noise ratio",
          "[likelihood]") {
    const noise_schedule schedule{cosine_beta{}, 1000};
    const std::vector<double> errors = some_errors(1000);
    const step_cost cost(schedule, errors);
    for (const auto& [t, s] : {std::pair<isize, isize>{999, 0}, {999, 998}, {500, 20}, {1, 0}}) {
        const double expected = 0.5 * (schedule[s].snr - schedule[t].snr) * errors[static_cast<std::size_t>(t)];
        CHECK(std::abs(cost(t, s) / expected - 1) < 1e-9);
    }
}

TEST_CASE("no variance costs less than the matched one", "[likelihood]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const std::vector<double> errors = some_errors(100);
    const step_cost small(schedule, errors, {.variance = step_variance::fixed_small});
    const step_cost large(schedule, errors, {.variance = step_variance::fixed_large});
    const step_cost matched(schedule, errors, {.variance = step_variance::matched});
    for (isize t = 1; t < 100; ++t) {
        for (isize s = 0; s < t; ++s) {
            CHECK(matched(t, s) > 0);
            CHECK(matched(t, s) <= small(t, s));
            CHECK(matched(t, s) <= large(t, s));
        }
    }
}

// Of x_0 ~ N(0, v) with the exact x̂_0 and matched variances every reverse step is exact, so that the bound of each
// sub-sequence lies above the entropy by KL(q(x_T) ‖ N(0, 1)) and nothing else.
TEST_CASE("for Gaussian data the bound of every sub-sequence is the entropy and the mismatch of the start",
          "[likelihood]") {
    const double v = 0.3;
    for (const auto& [name, schedule] : all_schedules()) {
        const isize steps = schedule.steps();
        std::vector<double> errors;
        for (isize t = 0; t < steps; ++t) {
            const double alpha_bar = schedule.alpha_bar(t);
            errors.push_back(v * (1 - alpha_bar) / (alpha_bar * v + 1 - alpha_bar));
        }
        const step_cost cost(schedule, errors, {.variance = step_variance::matched});
        const double alpha_bar = schedule.alpha_bar(steps - 1), last = alpha_bar * v + 1 - alpha_bar;
        const double prior = kl_gaussians(0.0, std::log(1 - alpha_bar), 0.0, 0.0) + 0.5 * alpha_bar * v;
        const double entropy = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e * v);
        const double expected = entropy + kl_gaussians(0.0, std::log(last), 0.0, 0.0);
        for (const isize stride : {isize{1}, isize{2}, steps / 3 + 1, steps}) {
            double bound = prior;
            isize t = steps - 1;
            for (; t >= stride; t -= stride) {
                bound += cost(t, t - stride);
            }
            bound += cost(t, clean);
            INFO(name << ", stride " << stride);
            CHECK(std::abs(bound - expected) < 1e-9);
        }
    }
}

TEST_CASE("the last step is the decoder's: the best Gaussian, a given one, or the user's", "[likelihood]") {
    const schedule_archetype schedule;
    const std::vector<double> errors(10, 0.04);
    const auto gaussian = [](double deviation) {
        return 0.5 * std::log(2 * std::numbers::pi) + std::log(deviation) + 0.04 / (2 * deviation * deviation);
    };
    CHECK(std::abs(step_cost(schedule, errors)(3, clean) - gaussian(0.2)) < 1e-14);
    CHECK(std::abs(step_cost(schedule, errors, {.decoder_deviation = 0.5})(3, clean) - gaussian(0.5)) < 1e-14);
    const step_cost own(schedule, errors, {.decoder = [](isize t) { return 100.0 + static_cast<double>(t); }});
    CHECK(own(7, clean) == 107);
    CHECK(own(7, 2) == step_cost(schedule, errors)(7, 2));
}

TEST_CASE("a step cost is finite for a chain that ends in noise, and takes tables of single precision",
          "[likelihood]") {
    const noise_schedule<> noise{std::vector<double>{0.2, 0.5, 1.0}};
    const std::vector<double> errors{0.1, 0.2, 0.3};
    for (const step_variance variance : all_variances) {
        CHECK(std::isfinite(step_cost(noise, errors, {.variance = variance})(2, 0)));
    }
    const noise_schedule<float32_tables> single{cosine_beta{}, 20};
    const noise_schedule exact{cosine_beta{}, 20};
    const std::vector<double> more = some_errors(20);
    CHECK(std::abs(step_cost(single, more)(19, 3) / step_cost(exact, more)(19, 3) - 1) < 1e-5);
}

TEST_CASE("a step cost refuses what it cannot count", "[likelihood]") {
    const schedule_archetype schedule;
    CHECK_THROWS_AS(step_cost(schedule, std::vector<double>(9, 0.1)), shape_error);
    for (const double bad : {-0.1, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        std::vector<double> errors(10, 0.1);
        errors[4] = bad;
        CHECK_THROWS_AS(step_cost(schedule, errors, {.decoder_deviation = 0.1}), value_error);
        CHECK_THROWS_AS(step_cost(schedule, std::vector<double>(10, 0.1), {.decoder_deviation = bad}), value_error);
    }
    const std::vector<double> zero(10, 0.0);
    CHECK_THROWS_AS(step_cost(schedule, zero), value_error);
    CHECK(step_cost(schedule, zero, {.decoder_deviation = 0.1})(5, 2) == 0);
    CHECK(step_cost(schedule, zero, {.decoder = [](isize) { return 1.0; }})(5, clean) == 1);
    const step_cost cost(schedule, std::vector<double>(10, 0.1));
    CHECK_THROWS_AS(cost(10, 2), value_error);
    CHECK_THROWS_AS(cost(5, 5), value_error);
    CHECK_THROWS_AS(cost(5, -2), value_error);
    CHECK_THROWS_AS(cost.alpha_bar(10), value_error);
}

TEST_CASE("step costs keep their bounds of roundings", "[likelihood]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const std::vector<double> errors = some_errors(schedule.steps());
        for (const step_variance variance : all_variances) {
            const step_cost cost(schedule, errors, {.variance = variance}),
                given(schedule, errors, {.variance = variance, .decoder_deviation = 0.3});
            for (const isize t : some_timesteps(schedule.steps())) {
                const long double error = errors[static_cast<std::size_t>(t)], a = schedule.alpha_bar(t);
                INFO(name << ", variance " << static_cast<int>(variance) << ", t = " << t);
                const auto check_last = [&](double got, long double last_variance) {
                    const long double log_part = std::log(2 * std::numbers::pi_v<long double> * last_variance),
                                      part = error / last_variance;
                    CHECK(
                        within(got, (log_part + part) / 2, roundings<double>(4) * (1 + std::abs(log_part) + part) / 2));
                };
                check_last(cost(t, clean), error);
                check_last(given(t, clean), static_cast<long double>(0.3) * 0.3);
                for (const isize s : some_timesteps(schedule.steps())) {
                    if (s >= t) {
                        continue;
                    }
                    const long double b = schedule.alpha_bar(s), beta = (b - a) / b;
                    const long double mean_x0 = std::sqrt(b) * beta / (1 - a), small = (1 - b) / (1 - a) * beta;
                    const long double m = mean_x0 * mean_x0 * error / small;
                    if (variance == step_variance::matched) {
                        CHECK(within(cost(t, s), std::log1p(m) / 2,
                                     roundings<double>(24 + 6 / beta) * std::log1p(m) / 2));
                        continue;
                    }
                    const long double excess = variance == step_variance::fixed_small ? 0 : beta * b / (1 - b);
                    CHECK(within(
                        cost(t, s), (std::log1p(excess) + (m - excess) / (1 + excess)) / 2,
                        roundings<double>(32 + 8 / beta) * (std::log1p(excess) + (m + excess) / (1 + excess)) / 2));
                }
            }
        }
    }
}

}  // namespace ddpm::test
