// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/level_function.hpp>

#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>

namespace ddpm::test {

TEST_CASE("a schedule's levels are exact at its timesteps", "[grid]") {
    for (const named_schedule& named : all_schedules()) {
        INFO(named.name);
        const level_function level_of(named.schedule);
        for (const isize t : some_timesteps(named.schedule.steps())) {
            const noise_level<double> expected = noise_level_at(named.schedule, t),
                                      got = level_of(static_cast<double>(t));
            CHECK((got.signal == expected.signal && got.sigma == expected.sigma));
        }
    }
}

TEST_CASE("between timesteps the logarithm of sigma/alpha is linear", "[grid]") {
    const noise_schedule<> schedule{linear_beta{}, 1000};
    const level_function level_of(schedule);
    const double below = std::log(noise_ratio(noise_level_at(schedule, 41)));
    const double above = std::log(noise_ratio(noise_level_at(schedule, 42)));
    for (const double part : {0.125, 0.5, 0.875}) {
        const noise_level<double> level = level_of(41 + part);
        CHECK(std::abs(std::log(noise_ratio(level)) - (below + part * (above - below))) < 1e-13);
        CHECK(std::abs(level.signal * level.signal + level.sigma * level.sigma - 1) < 1e-15);
    }
}

TEST_CASE("a schedule that ends without signal has no signal just before its end", "[grid]") {
    const noise_schedule<> schedule{std::vector<double>{0.1, 0.2, 1.0}};
    const level_function level_of(schedule);
    CHECK(level_of(1).signal > 0);
    CHECK((level_of(1.5).signal == 0 && level_of(1.5).sigma == 1));
    CHECK((level_of(2).signal == 0 && level_of(2).sigma == 1));
}

TEST_CASE("any callable is a level function", "[grid]") {
    const level_function flow = [](double t) { return noise_level<double>{1 - t, t}; };
    CHECK((flow(0.25).signal == 0.75 && flow(0.25).sigma == 0.25));
    const level_function copy = flow;
    CHECK(copy(0.5).sigma == 0.5);
}

TEST_CASE("level_function: what is no level is an error", "[grid]") {
    const level_function discrete(schedule_archetype{});
    CHECK_NOTHROW(discrete(0));
    CHECK_NOTHROW(discrete(9));
    CHECK_THROWS_AS(discrete(-0.5), value_error);
    CHECK_THROWS_AS(discrete(-1), value_error);
    CHECK_THROWS_AS(discrete(9.5), value_error);
    CHECK_THROWS_AS(discrete(std::nan("")), value_error);
    const auto wrong = [](double signal, double sigma) {
        return level_function([=](double) { return noise_level<double>{signal, sigma}; });
    };
    CHECK_NOTHROW(wrong(0, 1)(0));
    CHECK_NOTHROW(wrong(1, 0)(0));
    CHECK_THROWS_AS(wrong(0, 0)(0), value_error);
    CHECK_THROWS_AS(wrong(-1, 1)(0), value_error);
    CHECK_THROWS_AS(wrong(1, -1)(0), value_error);
    CHECK_THROWS_AS(wrong(1, std::nan(""))(0), value_error);
    CHECK_THROWS_AS(wrong(1, std::numeric_limits<double>::infinity())(0), value_error);
}

}  // namespace ddpm::test
