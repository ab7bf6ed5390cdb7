// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/variance.hpp>

#include "support/catch.hpp"
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
        CHECK(std::abs(reverse_variance_at(schedule, reverse_variance::fixed_large, t, t - 1) - schedule.beta(t)) < 1e-15);
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

TEST_CASE("variance: times outside the chain are errors", "[process]") {
    const schedule_archetype schedule;
    CHECK_THROWS_AS(reverse_variance_at(schedule, reverse_variance::fixed_small, 10, 9), value_error);
    CHECK_THROWS_AS(reverse_log_variance_at(schedule, reverse_variance::fixed_large, 3, 3), value_error);
}

}  // namespace ddpm::test
