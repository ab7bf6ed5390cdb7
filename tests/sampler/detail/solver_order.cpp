// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/solver_order.hpp>

#include "support/catch.hpp"

#include <vector>

namespace ddpm::test {

TEST_CASE("orders near the end", "[sampler]") {
    std::vector<grid_point> points;
    for (int k = 0; k <= 16; ++k) {
        points.push_back({static_cast<double>(k), {0.5 + 0.01 * k, 0.5}});
    }
    const time_grid sixteen(points), few(std::vector<grid_point>(points.begin(), points.begin() + 15));
    CHECK(detail::order_before_end(3, sixteen, 13) == 3);
    CHECK(detail::order_before_end(3, sixteen, 14) == 2);
    CHECK(detail::order_before_end(3, sixteen, 15) == 1);
    CHECK(detail::order_before_end_of_few(3, sixteen, 15) == 3);
    CHECK(detail::order_before_end_of_few(3, sixteen.from(10), 5) == 3);
    CHECK(detail::order_before_end_of_few(3, few, 13) == 1);
}

TEST_CASE("orders outside their domain", "[sampler]") {
    CHECK_NOTHROW(detail::require_order("here", "order", 3, 1, 3));
    CHECK_NOTHROW(detail::require_order("here", "order", 1000, 1));
    CHECK_THROWS_AS(detail::require_order("here", "order", 4, 1, 3), value_error);
    CHECK_THROWS_AS(detail::require_order("here", "order", 0, 1), value_error);
}

TEST_CASE("noise that rises", "[sampler]") {
    const time_grid falling({{1, {0.5, 0.5}}, {0, {1, 0}}});
    CHECK_NOTHROW(detail::require_falling_noise("here", falling));
    CHECK_THROWS_AS(detail::require_falling_noise("here", falling.reversed()), value_error);
}

}  // namespace ddpm::test
