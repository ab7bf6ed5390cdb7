// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/variance.hpp>

#include <ddpm/schedule/rectified_flow.hpp>

#include "support/catch.hpp"
#include "support/reverse_variances.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>

namespace ddpm::test {

// The published values of diffusers' DDPM tests.
TEST_CASE("reverse variances have the published values", "[process]") {
    const noise_schedule schedule{linear_beta{}, 1000};
    const auto small = [&](isize t) { return reverse_variance_at(schedule, reverse_variance::fixed_small, t, t - 1); };
    CHECK(small(0) == 0);
    CHECK(std::abs(small(487) - 0.00979) < 1e-5);
    CHECK(std::abs(small(999) - 0.02) < 1e-4);
    for (const isize t : {0, 1, 500, 999}) {
        CHECK(std::abs(reverse_variance_at(schedule, reverse_variance::fixed_large, t, t - 1) - schedule.beta(t)) <
              1e-15);
    }
}

TEST_CASE("log-variances are clipped at the last step", "[process]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            INFO(name << ", t = " << t);
            const double small = reverse_log_variance_at(schedule, reverse_variance::fixed_small, t, t - 1);
            const double large = reverse_log_variance_at(schedule, reverse_variance::fixed_large, t, t - 1);
            CHECK(std::abs(small - schedule[t].posterior_log_variance) < 1e-9);
            CHECK(std::abs(large - (t == 0 ? small : std::log(schedule.beta(t)))) < 1e-9);
        }
    }
    const noise_schedule one{linear_beta{}, 1};
    CHECK(std::abs(reverse_log_variance_at(one, reverse_variance::fixed_small, 0, clean) - std::log(1e-20)) < 1e-12);
}

TEST_CASE("the variances of continuous time are those between its levels", "[process]") {
    const rectified_flow schedule;
    const double t = 0.6, s = 0.35;
    const auto posterior = posterior_between(schedule.level(s), schedule.level(t));
    const double beta = transition_between(schedule.level(s), schedule.level(t)).variance;
    CHECK(reverse_variance_at(schedule, reverse_variance::fixed_small, t, s) == posterior.variance);
    CHECK(reverse_variance_at(schedule, reverse_variance::fixed_large, t, s) == beta);
    CHECK(reverse_log_variance_at(schedule, reverse_variance::fixed_large, t, s) == std::log(beta));
    CHECK(reverse_log_variance_at(schedule, reverse_variance::fixed_small, t, 0) == std::log(1e-20));
    for (const reverse_variance kind : all_reverse_variances) {
        const head_variance got = head_variance_at(schedule, kind, t, s);
        CHECK(got.kind == kind);
        CHECK(got.log_small == std::log(posterior.variance));
        CHECK(got.log_large == std::log(beta));
        CHECK(got.beta_tilde == posterior.variance);
        CHECK(got.x0 == posterior.x0);
        CHECK(head_variance_at(schedule, kind, t, 0).log_small == std::log(1e-20));
        CHECK_THROWS_AS(head_variance_at(schedule, kind, s, t), value_error);
    }
    CHECK_THROWS_AS(reverse_variance_at(schedule, reverse_variance::fixed_small, s, s), value_error);
    CHECK_THROWS_AS(reverse_variance_at(schedule, reverse_variance::learned, t, s), value_error);
    CHECK_THROWS_AS(reverse_log_variance_at(schedule, reverse_variance::optimal, t, s), value_error);
}

TEST_CASE("between the levels of a chain's timesteps the variances are the chain's", "[process]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            if (t == 0) {
                continue;
            }
            for (const reverse_variance kind : all_reverse_variances) {
                const head_variance chain = head_variance_at(schedule, kind, t, t - 1);
                const head_variance levels =
                    head_variance_between(kind, noise_level_at(schedule, t - 1), noise_level_at(schedule, t));
                INFO(name << ", t = " << t);
                const double tolerance = 1e-14 / transition_at(schedule, t - 1, t).variance;
                CHECK(std::abs(chain.log_variance(0.3) - levels.log_variance(0.3)) < tolerance);
                CHECK(std::abs(chain.slope(0.3) - levels.slope(0.3)) < tolerance);
            }
        }
    }
}

TEST_CASE("the slope of a log-variance is its difference quotient", "[process]") {
    const noise_schedule schedule{cosine_beta{}, 50};
    for (const reverse_variance kind : all_reverse_variances) {
        const head_variance at = head_variance_at(schedule, kind, 30, 12);
        const double head = 0.3, step = 1e-6;
        const double quotient = (at.log_variance(head + step) - at.log_variance(head - step)) / (2 * step);
        INFO(static_cast<int>(kind));
        CHECK(std::abs(at.slope(head) - quotient) < 1e-8);
        CHECK((at.slope(head) == 0) == !needs_head(kind));
    }
}

TEST_CASE("a variance that the network gives whole needs nothing of the schedule", "[process]") {
    const head_variance learned{reverse_variance::learned};
    CHECK(learned.log_variance(-1.5) == -1.5);
    CHECK(learned.slope(-1.5) == 1);
    CHECK(learned.log_small == 0);
    CHECK(learned.log_large == 0);
    CHECK(learned.beta_tilde == 0);
    CHECK(learned.x0 == 0);
}

TEST_CASE("variance: times outside the chain are errors", "[process]") {
    const schedule_archetype schedule;
    CHECK_THROWS_AS(reverse_variance_at(schedule, reverse_variance::fixed_small, 10, 9), value_error);
    CHECK_THROWS_AS(reverse_log_variance_at(schedule, reverse_variance::fixed_large, 3, 3), value_error);
}

TEST_CASE("log-variances and their slopes keep their bounds of roundings", "[process]") {
    random_numbers random;
    for (int i = 0; i < 2000; ++i) {
        const double small = random.of_any_size(1e-9, 1), h = random.uniform(-3, 3);
        const head_variance range{reverse_variance::learned_range, std::log(small), std::log(small) / 1.5};
        const long double part = (1 + static_cast<long double>(h)) / 2, low = range.log_small, high = range.log_large;
        CHECK(within(range.log_variance(h), part * high + (1 - part) * low,
                     roundings<double>(4) * (1 + std::abs(h)) * std::abs(low)));
        CHECK(within(range.slope(h), (high - low) / 2, roundings<double>(2) * std::abs(high - low) / 2));

        const head_variance optimal{reverse_variance::optimal, 0, 0, small, random.of_any_size(1e-6, 1)};
        const long double square = static_cast<long double>(optimal.x0) * optimal.x0;
        const long double variance = small + square * h, size = small + square * std::abs(h);
        if (variance > 1e-6L * size) {
            const long double log_variance = std::log(variance), slope = square / variance;
            CHECK(within(optimal.log_variance(h), log_variance,
                         roundings<double>(2) * std::abs(log_variance) + roundings<double>(4) * size / variance));
            CHECK(within(optimal.slope(h), slope,
                         (roundings<double>(6) + roundings<double>(4) * size / variance) * slope));
        }
        const head_variance learned{reverse_variance::learned};
        CHECK(learned.log_variance(h) == h);
    }
    for (const auto& [name, schedule] : all_schedules()) {
        const isize t = schedule.steps() - 1;
        const long double variance = reverse_variance_at(schedule, reverse_variance::fixed_small, t, t - 1);
        CHECK(within(reverse_log_variance_at(schedule, reverse_variance::fixed_small, t, t - 1), std::log(variance),
                     roundings<double>(2) * std::abs(std::log(variance))));
    }
}

}  // namespace ddpm::test
