// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/variance_exploding.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

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

TEST_CASE("the slope of the exploding process is rounded once", "[schedule]") {
    random_numbers random;
    for (int i = 0; i < 2000; ++i) {
        const double sigma = random.of_any_size(1e-9, 1e9);
        const long double exact = -2 / static_cast<long double>(sigma);
        CHECK(within(variance_exploding{}.log_snr_slope(sigma), exact, roundings<double>(1) * -exact));
        CHECK(variance_exploding{}.level_slope(sigma).signal == 0);
        CHECK(variance_exploding{}.level_slope(sigma).sigma == 1);
    }
}

}  // namespace ddpm::test
