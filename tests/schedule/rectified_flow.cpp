// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/rectified_flow.hpp>

#include <ddpm/grid/time_grid.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <limits>

namespace ddpm::test {

TEST_CASE("rectified flow is a straight line", "[schedule]") {
    const rectified_flow schedule{};
    for (const double u : {0.0, 0.25, 0.5, 1.0}) {
        CHECK(schedule.level(u).signal == 1 - u);
        CHECK(schedule.level(u).sigma == u);
        CHECK(std::abs(schedule.time_of(noise_ratio(schedule.level(u))) - u) <= 1e-16);
    }
    CHECK(rectified_flow{}.model_time(0.5) == 0.5);
    CHECK(rectified_flow{.time_scale = 1000}.model_time(0.5) == 500);
    CHECK_THROWS_AS(schedule.level(-0.1), value_error);
    CHECK_THROWS_AS(schedule.level(1.1), value_error);
    CHECK_THROWS_AS(schedule.time_of(-1), value_error);
    CHECK_THROWS_AS(schedule.time_of(std::numeric_limits<double>::quiet_NaN()), value_error);
}

TEST_CASE("rectified flow keeps its bounds of roundings", "[schedule]") {
    random_numbers random;
    for (int i = 0; i < 2000; ++i) {
        const double u = random.of_any_size(1e-9, 1), ratio = random.of_any_size(1e-9, 1e9),
                     scale = random.of_any_size(1, 1e3);
        const auto near = [](double got, long double exact, double count) {
            return within(got, exact, roundings<double>(count) * std::abs(exact));
        };
        const rectified_flow schedule{scale};
        const long double x = u, r = ratio;
        CHECK(near(schedule.level(u).signal, 1 - x, 1));
        CHECK(schedule.level(u).sigma == u);
        CHECK(near(schedule.time_of(ratio), r / (1 + r), 3));
        CHECK(near(schedule.model_time(u), scale * x, 1));
        CHECK(near(schedule.log_snr_slope(u), -2 / (x * (1 - x)), 4));
    }
}

}  // namespace ddpm::test
