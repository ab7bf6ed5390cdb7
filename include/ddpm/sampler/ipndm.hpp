// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/ratio_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace ddpm {

/// The improved pseudo numerical method: the Adams–Bashforth method with the weights for equal steps, also on other
/// grids,
///     x_s = α_s (x̂_0 + ρ_t ε̂ + (ρ_s − ρ_t) ε̄),
/// where with the newest slopes ε̂ = ε_0, ε_1, … the mean ε̄ is, for order
///     1: ε_0;  2: (3 ε_0 − ε_1)/2;  3: (23 ε_0 − 16 ε_1 + 5 ε_2)/12;  4: (55 ε_0 − 59 ε_1 + 37 ε_2 − 9 ε_3)/24.
/// The first steps have order 1, 2, … up to `order`. The error falls with that order on grids with equal steps of σ/α,
/// with order 2 on others. If a level has no signal, x_s = α_s x̂_0 + σ_s ε̂.
/// @source Zhang and Chen 2022, arXiv 2204.13902, appendix; Liu et al. 2022, arXiv 2202.09778, equation 12
/// @accuracy see above, for a history of accurate evaluations. Σ|x| at the end of diffusers' test loops within a
/// relative 1e-5
struct ipndm {
    isize order = 4;  ///< 1 to 4; 1 is DDIM

    /// @throws value_error unless 1 ≤ order ≤ 4
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("ipndm", "order", order, 1, 4);
        sampling_plan out(grid);
        detail::adams_history history(order);
        for (isize k = 0; k < grid.steps(); ++k) {
            const isize e = out.evaluate(k, grid[k]);
            history.add(e, static_cast<double>(k));
            out.set(quantity::x, detail::ratio_step(grid[k].level, grid[k + 1].level, e,
                                                    history.weights(static_cast<double>(k + 1))));
        }
        return out;
    }
};

/// The grid of v-diffusion's models: times t = 2/π atan2(σ, α) with σ = sin²(u π/2), u = 1 … 0 in equal steps, and
/// preserved variance.
/// @throws value_error unless steps ≥ 1
/// @source IPNDMScheduler of diffusers, after Katherine Crowson's v-diffusion (get_crash_schedule)
/// @accuracy levels and times within 5e-15
[[nodiscard]] inline time_grid crash_grid(isize steps) {
    if (steps < 1) {
        throw value_error("crash_grid", "number of steps", ">= 1", steps);
    }
    std::vector<grid_point> points;
    for (isize k = 0; k <= steps; ++k) {
        const double angle = std::numbers::pi / 2 * static_cast<double>(steps - k) / static_cast<double>(steps);
        const double sigma = k == 0 ? 1 : std::sin(angle) * std::sin(angle);
        const double signal = std::sqrt((1 - sigma) * (1 + sigma));
        points.push_back({std::atan2(sigma, signal) * 2 / std::numbers::pi, {signal, sigma}});
    }
    return time_grid(std::move(points));
}

}  // namespace ddpm
