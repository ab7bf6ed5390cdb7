// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/concept.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>

namespace ddpm::test {
namespace {

struct without_alpha_bar {
    [[nodiscard]] isize steps() const { return 1; }
};
struct integer_alpha_bar {
    [[nodiscard]] isize steps() const { return 1; }
    [[nodiscard]] int alpha_bar(isize) const { return 1; }
};

}  // namespace

static_assert(!NoiseSchedule<int>);
static_assert(!NoiseSchedule<without_alpha_bar>);
static_assert(!NoiseSchedule<integer_alpha_bar>);
static_assert(std::same_as<real_of<schedule_archetype>, double>);
static_assert(std::same_as<real_of<noise_schedule<float32_tables>>, float>);

TEST_CASE("coefficients agree with the schedule's own table", "[schedule]") {
    for (const auto& [name, schedule] : all_schedules()) {
        for (const isize t : some_timesteps(schedule.steps())) {
            INFO(name << ", t = " << t);
            const auto& entry = schedule[t];
            const auto step = transition_at(schedule, t - 1, t);
            const auto posterior = posterior_at(schedule, t - 1, t);
            CHECK(std::abs(step.variance - entry.beta) < 1e-14);
            CHECK(std::abs(step.scale - std::sqrt(entry.alpha)) < 1e-14);
            CHECK(std::abs(posterior.x0 - entry.posterior.x0) < 1e-10 * std::abs(entry.posterior.x0) + 1e-14);
            CHECK(std::abs(posterior.xt - entry.posterior.xt) < 1e-10 * std::abs(entry.posterior.xt) + 1e-14);
            CHECK(std::abs(posterior.variance - entry.posterior.variance) < 1e-14);
            CHECK(noise_level_at(schedule, t).signal == entry.sqrt_alpha_bar);
            CHECK(noise_level_at(schedule, t).sigma == entry.sqrt_one_minus_alpha_bar);
        }
    }
}

TEST_CASE("the smallest schedule serves", "[schedule]") {
    const schedule_archetype schedule;
    CHECK(transition_at(schedule, clean, 0).variance == 1 - schedule.alpha_bar(0));
    CHECK(posterior_at(schedule, clean, 3).variance == 0);
    CHECK(alpha_bar_or_one(schedule, clean) == 1);
}

TEST_CASE("times outside the chain are errors", "[schedule]") {
    const schedule_archetype schedule;
    CHECK_THROWS_AS(noise_level_at(schedule, 10), value_error);
    CHECK_THROWS_AS(noise_level_at(schedule, clean), value_error);
    CHECK_THROWS_AS(transition_at(schedule, 3, 3), value_error);
    CHECK_THROWS_AS(transition_at(schedule, -2, 3), value_error);
    CHECK_THROWS_AS(posterior_at(schedule, 0, 10), value_error);
}

TEMPLATE_TEST_CASE("the level of a timestep keeps its bounds of roundings", "[schedule]", exact_tables,
                   float32_tables) {
    using real = typename TestType::real;
    const noise_schedule<TestType> schedule{cosine_beta{}, 300};
    for (isize t = 0; t < 300; ++t) {
        const long double alpha_bar = schedule.alpha_bar(t);
        const auto [alpha, sigma] = noise_level_at(schedule, t);
        CHECK(within(alpha, std::sqrt(alpha_bar), roundings<real>(1) * std::sqrt(alpha_bar)));
        CHECK(within(sigma, std::sqrt(1 - alpha_bar), roundings<real>(2) * std::sqrt(1 - alpha_bar)));
        CHECK(alpha_bar_or_one(schedule, t) == schedule.alpha_bar(t));
        const isize s = t / 2 - 1;
        const auto step = transition_at(schedule, s, t);
        CHECK(step.scale == transition_between(alpha_bar_or_one(schedule, s), schedule.alpha_bar(t)).scale);
        CHECK(step.variance == transition_between(alpha_bar_or_one(schedule, s), schedule.alpha_bar(t)).variance);
        const auto posterior = posterior_at(schedule, s, t);
        const auto expected = posterior_between(alpha_bar_or_one(schedule, s), schedule.alpha_bar(t));
        CHECK(posterior.x0 == expected.x0);
        CHECK(posterior.xt == expected.xt);
        CHECK(posterior.variance == expected.variance);
    }
    CHECK(alpha_bar_or_one(schedule, clean) == 1);
}

}  // namespace ddpm::test
