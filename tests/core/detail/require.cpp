// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/require.hpp>

#include "support/catch.hpp"

#include <limits>

namespace ddpm::test {

TEST_CASE("values outside a range are named", "[core]") {
    CHECK_NOTHROW(detail::require_between("here", "x", 1, 1, 2));
    CHECK_NOTHROW(detail::require_between("here", "x", 2, 1, 2));
    CHECK_THROWS_AS(detail::require_between("here", "x", 0.5, 1, 2), value_error);
    CHECK_THROWS_AS(detail::require_between("here", "x", 2.5, 1, 2), value_error);
    CHECK_THROWS_AS(detail::require_between("here", "x", std::numeric_limits<double>::quiet_NaN(), 1, 2), value_error);
}

TEST_CASE("a noise level has finite parts, not negative and not both 0", "[core]") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    CHECK_NOTHROW(detail::require_level("here", {0, 1}));
    CHECK_NOTHROW(detail::require_level("here", {1, 0}));
    for (const noise_level<double>& bad : {noise_level<double>{0, 0},
                                           {-1, 1},
                                           {1, -1},
                                           {infinity, 1},
                                           {1, infinity},
                                           {std::numeric_limits<double>::quiet_NaN(), 1}}) {
        CHECK_THROWS_AS(detail::require_level("here", bad), value_error);
    }
}

}  // namespace ddpm::test
