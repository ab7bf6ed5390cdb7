// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/variance_exploding.hpp>

#include "support/catch.hpp"

#include <limits>

namespace ddpm::test {

TEST_CASE("sigma is the time of the exploding process", "[schedule]") {
    const variance_exploding schedule{};
    for (const double sigma : {0.0, 0.002, 1.0, 80.0}) {
        CHECK(schedule.level(sigma).signal == 1);
        CHECK(schedule.level(sigma).sigma == sigma);
        CHECK(schedule.time_of(sigma) == sigma);
    }
    CHECK_THROWS_AS(schedule.level(-1), value_error);
    CHECK_THROWS_AS(schedule.level(std::numeric_limits<double>::infinity()), value_error);
    CHECK_THROWS_AS(schedule.level(std::numeric_limits<double>::quiet_NaN()), value_error);
}

}  // namespace ddpm::test
