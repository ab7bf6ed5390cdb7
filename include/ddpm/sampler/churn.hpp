// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/path.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <string_view>

namespace ddpm {

/// Noise that a solver adds before each of its steps, which then removes more:
///     x ← (α̂/α_t) x_t + s_noise α̂ √(ρ̂² − ρ_t²) z  at  ρ̂ = ρ_t (1 + γ),
/// with γ = min(s_churn/steps, √2 − 1) where s_tmin ≤ ρ_t ≤ s_tmax, else 0, and α̂ the signal of the grid's path at ρ̂. The
/// network is evaluated there, as in the paper and k-diffusion; diffusers evaluates it before the noise.
/// @source Karras et al. 2022, arXiv 2206.00364, algorithm 2
struct churn_options {
    double s_churn = 0;  ///< 0: none
    double s_tmin = 0;
    double s_tmax = std::numeric_limits<double>::infinity();
    double s_noise = 1;                             ///< factor of the noise
    bool always_draw = false;                       ///< draws also where γ = 0, as the paper's code and k-diffusion do
    std::function<double(double ratio)> time_of{};  ///< the model's time there
};

namespace detail {

/// @throws value_error unless s_churn and s_tmin ≤ s_tmax are not negative, and 0 ≤ s_noise ≤ 10⁶
inline void require_valid(std::string_view where, const churn_options& churn) {
    if (!(churn.s_churn >= 0)) {
        throw value_error(where, "s_churn", ">= 0", churn.s_churn);
    }
    if (!(churn.s_tmin >= 0 && churn.s_tmax >= churn.s_tmin)) {
        throw value_error(where, "s_tmin, s_tmax", "0 <= s_tmin <= s_tmax", text(churn.s_tmin, ", ", churn.s_tmax));
    }
    require_noise_factor(where, churn.s_noise);
}

/// Adds the noise of step k to the plan, from point k of its grid.
/// @returns the point that x is at then
[[nodiscard]] inline grid_point add_churn(sampling_plan& plan, isize k, const churn_options& churn) {
    const time_grid& grid = plan.grid();
    const grid_point& here = grid[k];
    const double ratio = noise_ratio(here.level);
    const double steps = static_cast<double>(grid.skipped() + grid.steps());
    const double gamma = ratio >= churn.s_tmin && ratio <= churn.s_tmax && std::isfinite(ratio)
                             ? std::min(churn.s_churn / steps, std::numbers::sqrt2 - 1)
                             : 0;
    const double raised = ratio * (1 + gamma);
    if (raised == ratio) {
        if (churn.always_draw) {
            plan.renoise(here.level, grid[k + 1].level, 1, 0);
        }
        return here;
    }
    const grid_point there = point_at_ratio(grid, k, raised, churn.time_of);
    const double noise = there.level.signal * std::sqrt(raised * raised - ratio * ratio);
    plan.renoise(there.level, here.level, there.level.signal / here.level.signal, churn.s_noise * noise);
    return there;
}

}  // namespace detail

}  // namespace ddpm
