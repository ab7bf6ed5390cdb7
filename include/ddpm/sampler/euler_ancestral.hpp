// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/ratio_step.hpp>
#include <ddpm/sampler/plan.hpp>

namespace ddpm {

/// Euler's method in σ/α to a level with less noise than the next one, then noise up to the next level:
///     x_s = α_s (x̂_0 + ρ_down ε̂ + s_noise ρ_up z)
///     with ρ_up = min(ρ_s, η ρ_s √(1 − ρ_s²/ρ_t²)), ρ_down = √(ρ_s² − ρ_up²).
/// It draws at every step; in the last one, to σ = 0, with factor 0, as diffusers does. η = 1 is DDIM with η = 1.
/// @source Katherine Crowson's k-diffusion, sample_euler_ancestral
/// @accuracy as ddim with η = 1 within 1e-12. Σ|x| at the end of diffusers' test loops within 0.01 or a relative 1e-6
struct euler_ancestral {
    double eta = 1;      ///< ≥ 0; 0 adds no noise
    double s_noise = 1;  ///< factor of the noise

    /// @throws value_error unless η is finite and not negative, 0 ≤ s_noise ≤ 10⁶ and the noise falls over the grid
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_ancestral("euler_ancestral", eta, s_noise);
        detail::require_falling_noise("euler_ancestral", grid);
        sampling_plan out(grid);
        for (isize k = 0; k < grid.steps(); ++k) {
            const auto &from = grid[k].level, &to = grid[k + 1].level;
            const auto [down, up] = detail::split_step(noise_ratio(from), noise_ratio(to), eta);
            const isize e = out.evaluate(k, grid[k]);
            const isize z = out.draw(from, to);
            out.set(quantity::x,
                    {term::x0(e, to.signal), term::eps(e, to.signal * down), term::noise(z, to.signal * up * s_noise)});
        }
        return out;
    }
};

}  // namespace ddpm
