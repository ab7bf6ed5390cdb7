// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/ratio_step.hpp>
#include <ddpm/sampler/plan.hpp>

namespace ddpm {

/// The linear multistep method in ρ = σ/α: the exact integral of the polynomial through the newest slopes,
///     x_s = α_s (x̂_0 + ρ_t ε̂ + Σ_j w_j ε̂_j)  with  w_j = ∫ from ρ_t to ρ_s of Π_{m≠j} (ρ − ρ_m)/(ρ_j − ρ_m) dρ,
/// where j and m run over the newest `order` evaluations, the one at ρ_t included, or over all if there are fewer.
/// From or to a level without signal x_s = α_s x̂_0 + σ_s ε̂.
/// @source Katherine Crowson's k-diffusion, sample_lms
/// @accuracy order p = `order` for a history of accurate evaluations; over a whole run at most 2, by the error of its
/// first step, which has one evaluation. Σ|x| at the end of diffusers' test loops within 0.01 or a relative 1e-6
struct lms {
    isize order = 4;  ///< 1 to 4; 1 is Euler's method

    /// @throws value_error unless 1 ≤ order ≤ 4
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("lms", "order", order, 1, 4);
        sampling_plan out(grid);
        detail::adams_history history(order);
        for (isize k = 0; k < grid.steps(); ++k) {
            const auto &from = grid[k].level, &to = grid[k + 1].level;
            const isize e = out.evaluate(k, grid[k]);
            history.add(e, noise_ratio(from));
            if (from.signal > 0 && to.signal > 0 && noise_ratio(from) != noise_ratio(to)) {
                out.set(quantity::x, detail::ratio_step(from, to, e, history.weights(noise_ratio(to))));
            } else {
                out.set(quantity::x, detail::euler_step(to, e));
            }
        }
        return out;
    }
};

}  // namespace ddpm
