// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_multistep.hpp>
#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace ddpm {

/// The function B(h) of UniPC; B(−h) if x_0 is integrated. It affects only steps with two estimates.
enum class unipc_variant {
    bh1,  ///< B(h) = h
    bh2,  ///< B(h) = e^h − 1
};

/// UniPC: a multistep predictor of any order, and a corrector that uses the next evaluation, at no extra cost. Both are
///     x_s = (σ_s/σ_t) x_t + α_s h Σ_j w_j x̂_j  with  w_j = ∫₀¹ e^{−h(1−θ)} ℓ_j(θ) dθ,
/// or, if ε is integrated, x_s = (α_s/α_t) x_t − σ_s h Σ_j w_j ε̂_j with w_j = ∫₀¹ e^{h(1−θ)} ℓ_j(θ) dθ. ℓ_j are the
/// Lagrange polynomials of the nodes θ_j = (λ_j − λ_t)/h: in the predictor of the newest p evaluations, in the
/// corrector also of the evaluation at the predicted x_s, θ = 1. With two nodes, ∫₀¹ e^{∓h(1−θ)} θ dθ is replaced by
/// B/(2h): 1/2 for bh1; for bh2 (1 − e^{−h})/(2h), or (e^h − 1)/(2h) for ε. The defaults are diffusers'.
/// @source Zhao et al. 2023, arXiv 2302.04867, algorithms 5 to 8
/// @accuracy order p, with the corrector p + 1, for a history of accurate evaluations. A whole run begins with one
/// evaluation, so that the error of its first step limits the order to 2, with the corrector to 3. Σ|x| at the end of
/// diffusers' test loops within a relative 1e-4, in float
struct unipc {
    isize order = 2;  ///< p ≥ 1; of the predictor, see @accuracy
    unipc_variant variant = unipc_variant::bh2;
    bool predict_x0 = true;  ///< integrates x_0; otherwise ε
    bool corrector = true;
    std::vector<isize> disable_corrector{};  ///< steps of the original grid without corrector
    bool lower_order_final = true;           ///< the last step has order 1, the one before at most 2, and so on

    /// The plan over a grid. A step to σ = 0 has order 1; its result is not corrected, since no evaluation follows.
    /// @throws value_error unless order ≥ 1
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("unipc", "order", order, 1);
        const auto slope =
            variant == unipc_variant::bh1 ? detail::slope_moment::half : detail::slope_moment::half_of_mean;
        detail::multistep_planner out(grid, predict_x0 ? quantity::x0 : quantity::eps, {slope});
        for (isize k = 0; k < grid.steps(); ++k) {
            const isize p = lower_order_final ? detail::order_before_end(order, grid, k) : order;
            out.step({.predictor_order = p, .corrector_order = corrects(grid, k) ? p + 1 : 0});
        }
        return std::move(out).plan();
    }

private:
    [[nodiscard]] bool corrects(const time_grid& grid, isize k) const {
        return corrector && std::find(disable_corrector.begin(), disable_corrector.end(), grid.skipped() + k) ==
                                disable_corrector.end();
    }
};

}  // namespace ddpm
