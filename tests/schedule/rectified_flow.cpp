// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/rectified_flow.hpp>

#include <ddpm/grid/time_grid.hpp>

#include "support/catch.hpp"

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

}  // namespace ddpm::test
