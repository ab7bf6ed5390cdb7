// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/learning_rate.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

namespace ddpm::test {

TEST_CASE("the learning rate rises and falls as diffusers' schedules do", "[train]") {
    SECTION("constant") {
        CHECK(learning_rate_factor({}, 0) == 1);
        CHECK(learning_rate_factor({}, 1000000) == 1);
    }
    SECTION("warm-up, then constant") {
        const learning_rate_schedule schedule{.warm_up_steps = 4};
        CHECK(learning_rate_factor(schedule, 0) == 0);
        CHECK(learning_rate_factor(schedule, 1) == 0.25);
        CHECK(learning_rate_factor(schedule, 3) == 0.75);
        CHECK(learning_rate_factor(schedule, 4) == 1);
        CHECK(learning_rate_factor(schedule, 400) == 1);
    }
    SECTION("cosine") {
        const std::pair<isize, double> rows[]{{0, 1.0},
                                              {1, 0.9997532801828658},
                                              {25, 0.8535533905932737},
                                              {50, 0.5},
                                              {75, 0.14644660940672627},
                                              {99, 0.0002467198171342},
                                              {100, 0.0},
                                              {150, 0.0}};
        for (const auto& [step, factor] : rows) {
            CHECK(std::abs(learning_rate_factor({.total_steps = 100}, step) - factor) <= 1e-15);
        }
    }
    SECTION("both") {
        const std::pair<isize, double> rows[]{
            {0, 0.0},  {1, 0.1}, {5, 0.5}, {10, 1.0}, {11, 0.9996954135095479}, {55, 0.5}, {99, 0.00030458649045211894},
            {100, 0.0}};
        for (const auto& [step, factor] : rows) {
            CHECK(std::abs(learning_rate_factor({.warm_up_steps = 10, .total_steps = 100}, step) - factor) <= 1e-15);
        }
    }
}

TEST_CASE("learning-rate schedules outside their domain are refused", "[train]") {
    CHECK_THROWS_AS(require_valid(learning_rate_schedule{.warm_up_steps = -1}), value_error);
    CHECK_THROWS_AS(require_valid(learning_rate_schedule{.total_steps = -1}), value_error);
    CHECK_THROWS_AS(require_valid(learning_rate_schedule{.warm_up_steps = 10, .total_steps = 10}), value_error);
    CHECK_NOTHROW(require_valid(learning_rate_schedule{.warm_up_steps = 10, .total_steps = 11}));
}

TEST_CASE("the learning rate keeps its bounds of roundings", "[train]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const isize rise = 1 + static_cast<isize>(random.of_any_size(1, 1e6)),
                    fall = 1 + static_cast<isize>(random.of_any_size(1, 1e6));
        const learning_rate_schedule schedule{.warm_up_steps = rise, .total_steps = rise + fall};
        const isize early = static_cast<isize>(random.uniform(0, static_cast<double>(rise))),
                    late = static_cast<isize>(random.uniform(0, static_cast<double>(fall)));
        const long double first = static_cast<long double>(early) / static_cast<long double>(rise),
                          part = static_cast<long double>(late) / static_cast<long double>(fall);
        CHECK(within(learning_rate_factor(schedule, early), first, roundings<double>(1) * first));
        CHECK(within(learning_rate_factor(schedule, rise + late),
                     (1 + std::cos(std::numbers::pi_v<long double> * part)) / 2, roundings<double>(8)));
    }
}

}  // namespace ddpm::test
