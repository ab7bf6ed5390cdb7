// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>

#include <algorithm>
#include <limits>
#include <string_view>

namespace ddpm::detail {

/// @throws value_error unless σ/α never rises over the grid, as a stochastic step and an inversion need
inline void require_falling_noise(std::string_view where, const time_grid& grid) {
    const double first = noise_ratio(grid[0].level), last = noise_ratio(grid[grid.steps()].level);
    if (first < last) {
        throw value_error(where, "noise of the grid", "falling from point to point",
                          text("from ", first, " to ", last));
    }
}

/// @throws value_error unless 0 ≤ s_noise ≤ 10⁶, a factor of noise with which floats do not overflow
inline void require_noise_factor(std::string_view where, double s_noise) {
    if (!(s_noise >= 0 && s_noise <= 1e6)) {
        throw value_error(where, "s_noise", "0 <= s_noise <= 1e6", s_noise);
    }
}

/// No limit to an order; twice it is still an isize.
inline constexpr isize any_order = std::numeric_limits<isize>::max() / 2;

/// @throws value_error unless lowest ≤ order ≤ highest
inline void require_order(std::string_view where, std::string_view what, isize order, isize lowest,
                          isize highest = any_order) {
    if (order < lowest || order > highest) {
        throw value_error(where, what, highest == any_order ? text(">= ", lowest) : text(lowest, " to ", highest),
                          order);
    }
}

/// The order of step k where the last step has order 1, the one before at most 2, and so on.
[[nodiscard]] inline isize order_before_end(isize order, const time_grid& grid, isize k) {
    return std::min(order, grid.steps() - k);
}

/// The same, in runs of fewer than 15 steps only.
/// @source Lu et al. 2022, arXiv 2211.01095, section 5.3, for the number; it counts the steps of the whole grid
[[nodiscard]] inline isize order_before_end_of_few(isize order, const time_grid& grid, isize k) {
    return grid.skipped() + grid.steps() < 15 ? order_before_end(order, grid, k) : order;
}

}  // namespace ddpm::detail
