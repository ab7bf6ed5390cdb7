// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cmath>

namespace ddpm {

/// Multistep sampling of a consistency model: each step adds new noise to x̂_0,
///     x_s = α_s (x̂_0 + s_noise √(ρ'² − σ_min²) z)  with ρ' = max(ρ_s, σ_min).
/// A run of one step draws nothing: x_s = α_s x̂_0; longer runs draw at every step, at the last one with factor 0, as
/// diffusers does. edm_preconditioned with the same sigma_min makes a consistency model of a network.
/// @source Song et al. 2023, arXiv 2303.01469, algorithm 1
/// @accuracy moments of samples of Gaussian data are the formula's within 5 standard errors of 40,000. Σ|x| at the end
/// of diffusers' test loops within 0.01, in float
struct consistency {
    double sigma_min = 0.002;  ///< the lowest σ/α that the model was trained on
    double s_noise = 1;        ///< factor of the noise

    /// @throws value_error unless sigma_min ≥ 0, 0 ≤ s_noise ≤ 10⁶ and the noise falls over the grid
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        if (!(sigma_min >= 0)) {
            throw value_error("consistency", "sigma_min", ">= 0", sigma_min);
        }
        detail::require_noise_factor("consistency", s_noise);
        detail::require_falling_noise("consistency", grid);
        sampling_plan out(grid);
        for (isize k = 0; k < grid.steps(); ++k) {
            const noise_level<double>& to = grid[k + 1].level;
            const isize e = out.evaluate(k, grid[k]);
            if (grid.steps() == 1) {
                out.set(quantity::x, {term::x0(e, to.signal)});
                continue;
            }
            const double ratio = std::max(noise_ratio(to), sigma_min);
            const double noise = std::sqrt((ratio - sigma_min) * (ratio + sigma_min));
            out.set(quantity::x,
                    {term::x0(e, to.signal), term::noise(out.draw(grid[k].level, to), to.signal * noise * s_noise)});
        }
        return out;
    }
};

}  // namespace ddpm
