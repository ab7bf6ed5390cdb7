// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/gaussian_chain.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <cmath>

namespace ddpm::test {

TEST_CASE("chained single steps are the closed form", "[schedule]") {
    for (const auto& [name, schedule] : all_schedules()) {
        double scale = 1;
        double variance = 0;
        for (isize t = 0; t < schedule.steps(); ++t) {
            const auto step = transition_between(t == 0 ? 1.0 : schedule.alpha_bar(t - 1), schedule.alpha_bar(t));
            scale *= step.scale;
            variance = step.scale * step.scale * variance + step.variance;
            const auto closed = noise_level_of(schedule.alpha_bar(t));
            INFO(name << ", t = " << t);
            REQUIRE(std::abs(scale - closed.signal) < 1e-12);
            REQUIRE(std::abs(variance - closed.sigma * closed.sigma) < 1e-12);
        }
    }
}

TEST_CASE("two transitions make one", "[schedule]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const isize t = schedule.steps() - 1;
        for (isize r = 0; r < t; r += 1 + t / 7) {
            const double middle = schedule.alpha_bar(r);
            const auto first = transition_between(1.0, middle);
            const auto second = transition_between(middle, schedule.alpha_bar(t));
            const auto both = transition_between(1.0, schedule.alpha_bar(t));
            INFO(name << ", r = " << r);
            CHECK(std::abs(first.scale * second.scale - both.scale) < 1e-14);
            CHECK(std::abs(second.scale * second.scale * first.variance + second.variance - both.variance) < 1e-14);
        }
    }
}

// q(x_s|x_t, x_0) ∝ q(x_t|x_s) q(x_s|x_0): precisions add, and the mean is the precision-weighted sum.
TEST_CASE("the posterior is the Bayes product", "[schedule]") {
    for (const auto& [name, schedule] : all_schedules()) {
        const auto timesteps = some_timesteps(schedule.steps());
        for (const isize t : timesteps) {
            for (const isize s : timesteps) {
                if (s >= t) {
                    continue;
                }
                INFO(name << ", s = " << s << ", t = " << t);
                const auto prior = noise_level_of(schedule.alpha_bar(s));
                const auto step = transition_between(schedule.alpha_bar(s), schedule.alpha_bar(t));
                const double precision = step.scale * step.scale / step.variance + 1 / (prior.sigma * prior.sigma);
                const auto posterior = posterior_between(schedule.alpha_bar(s), schedule.alpha_bar(t));
                CHECK(std::abs(posterior.variance * precision - 1) < 1e-9);
                CHECK(std::abs(posterior.xt - step.scale / step.variance / precision) < 1e-9);
                CHECK(std::abs(posterior.x0 - prior.signal / (prior.sigma * prior.sigma) / precision) < 1e-9);
            }
        }
    }
}

}  // namespace ddpm::test
