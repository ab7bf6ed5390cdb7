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

/// Stochastic churn: noise that a solver adds before each step, which then starts at a higher noise level:
///     x ← (α̂/α_t) x_t + s_noise α̂ √(ρ̂² − ρ_t²) z  at  ρ̂ = ρ_t (1 + γ),
/// with γ = min(s_churn/steps, √2 − 1) if s_tmin ≤ ρ_t ≤ s_tmax, else 0, and α̂ the signal of the grid's path at ρ̂.
/// The network is evaluated at ρ̂, as in the paper and k-diffusion; diffusers evaluates it before adding the noise.
/// @source Karras et al. 2022, arXiv 2206.00364, algorithm 2
/// @accuracy the level at ρ̂ and the factors of x_t and z within a relative 1e-12
struct churn_options {
    double s_churn = 0;                                       ///< 0: none
    double s_tmin = 0;                                        ///< the least ρ_t = σ/α at which noise is added
    double s_tmax = std::numeric_limits<double>::infinity();  ///< the largest ρ_t at which noise is added
    double s_noise = 1;                                       ///< factor of the noise
    bool always_draw = false;                       ///< draws noise also if γ = 0, as the paper's code and k-diffusion
    std::function<double(double ratio)> time_of{};  ///< the time passed to the network at ρ̂
};

/// @throws value_error unless s_churn and s_tmin ≤ s_tmax are not negative, and 0 ≤ s_noise ≤ 10⁶
inline void require_valid(std::string_view where, const churn_options& churn) {
    if (!(churn.s_churn >= 0)) {
        throw value_error(where, "s_churn", ">= 0", churn.s_churn);
    }
    if (!(churn.s_tmin >= 0 && churn.s_tmax >= churn.s_tmin)) {
        throw value_error(where, "s_tmin, s_tmax", "0 <= s_tmin <= s_tmax",
                          detail::text(churn.s_tmin, ", ", churn.s_tmax));
    }
    detail::require_noise_factor(where, churn.s_noise);
}

namespace detail {

/// Adds the churn of step k to the plan.
/// @returns the grid point of x after it
[[nodiscard]] inline grid_point add_churn(sampling_plan& plan, isize k, const churn_options& churn) {
    const time_grid& grid = plan.grid();
    const grid_point& start = grid[k];
    const double ratio = noise_ratio(start.level);
    const double steps = static_cast<double>(grid.skipped() + grid.steps());
    const double gamma = ratio >= churn.s_tmin && ratio <= churn.s_tmax && std::isfinite(ratio)
                             ? std::min(churn.s_churn / steps, std::numbers::sqrt2 - 1)
                             : 0;
    const double raised = ratio * (1 + gamma);
    if (raised == ratio) {
        if (churn.always_draw) {
            plan.renoise(start.level, grid[k + 1].level, 1, 0);
        }
        return start;
    }
    const grid_point noisier = point_at_ratio(grid, k, raised, churn.time_of);
    const double noise = noisier.level.signal * std::sqrt(raised * raised - ratio * ratio);
    plan.renoise(noisier.level, start.level, noisier.level.signal / start.level.signal, churn.s_noise * noise);
    return noisier;
}

}  // namespace detail

}  // namespace ddpm
