// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_multistep.hpp>
#include <ddpm/sampler/plan.hpp>

#include <utility>

namespace ddpm {

/// DEIS, ρAB in logarithmic time: each step integrates exactly the polynomial in λ through the last `order` estimates
/// of ε,
///     x_s = (α_s/α_t) x_t − σ_s h Σ_j w_j ε̂_j  with  w_j = ∫₀¹ e^{h(1−θ)} ℓ_j(θ) dθ,
/// where ℓ_j are the Lagrange polynomials of the nodes θ_j = (λ_j − λ_t)/h of the estimates. The defaults are
/// diffusers'.
/// @source Zhang and Chen 2022, arXiv 2204.13902, section 3.3 and table 2
/// @accuracy order p = `order` for a history of accurate evaluations; over a whole run at most 2, by the error of its
/// first step, which has one evaluation. Σ|x| at the end of diffusers' test loops within a relative 1e-4, in float
struct deis {
    isize order = 2;                ///< ≥ 1; 1 is DDIM; the paper and diffusers go to 3
    bool lower_order_final = true;  ///< in runs of fewer than 15 steps the last has order 1, the one before at most 2

    /// The plan over a grid. A step to σ = 0 has order 1.
    /// @throws value_error unless order ≥ 1
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("deis", "order", order, 1);
        detail::multistep_planner out(grid, quantity::eps, {});
        for (isize k = 0; k < grid.steps(); ++k) {
            out.step({.predictor_order = lower_order_final ? detail::order_before_end_of_few(order, grid, k) : order});
        }
        return std::move(out).plan();
    }
};

}  // namespace ddpm
