// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_multistep.hpp>
#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace ddpm {

/// SA-Solver: a stochastic Adams–Bashforth step as predictor, corrected after the next evaluation by an Adams–Moulton
/// step with the same draw. With τ = tau(t) and h' = (1 + τ²) h both are
///     x_s = (σ_s/σ_t) e^{−τ²h} x_t + α_s h' Σ_j w_j x̂_j + σ_s √(1 − e^{−2τ²h}) z
///     with w_j = ∫₀¹ e^{−h'(1−θ)} ℓ_j(θ) dθ,
/// or, if ε is integrated,
///     x_s = (α_s/α_t) x_t − (1 + τ²) σ_s h Σ_j w_j ε̂_j + τ σ_s √(e^{2h} − 1) z
///     with w_j = ∫₀¹ e^{h(1−θ)} ℓ_j(θ) dθ.
/// ℓ_j are the Lagrange polynomials of the nodes θ_j = (λ_j − λ_t)/h: in the predictor of the newest evaluations, in
/// the corrector also of the evaluation at the predicted x_s, θ = 1. For x_0 with two nodes, ∫₀¹ e^{−h'(1−θ)} θ dθ is
/// replaced by 1/2. The defaults are diffusers'.
/// @source Xue et al. 2023, arXiv 2309.05019, algorithm 1; the replacement by 1/2, a change of third order in h: the
/// authors' and diffusers' code
/// @accuracy with τ = 0 and a history of accurate evaluations order p = predictor_order, with a corrector of order c
/// order min(c, p + 1), tested up to 3; over a whole run at most 2, with a corrector 3, by the error of its first step.
/// Σ|x| at the end of diffusers' test loops within a relative 2e-4, in float
struct sa_solver {
    isize predictor_order = 2;  ///< number of estimates, ≥ 1
    isize corrector_order = 2;  ///< number of estimates, including that at x_s; 0: no corrector
    bool predict_x0 = true;     ///< integrates x_0; otherwise ε
    /// Stochasticity τ ≥ 0 of the step that starts at the network's time t; 0: the ordinary differential equation.
    std::function<double(double t)> tau = [](double t) { return t >= 200 && t <= 800 ? 1.0 : 0.0; };
    bool lower_order_final = true;  ///< the last step has predictor order 1, the one before at most 2, and so on

    /// The plan over a grid: a draw for every step. A step to σ = 0 has order 1 and no noise.
    /// @throws value_error unless predictor_order ≥ 1, corrector_order ≥ 0 and all τ ≥ 0, or if the noise rises
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("sa_solver", "predictor order", predictor_order, 1);
        detail::require_order("sa_solver", "corrector order", corrector_order, 0);
        if (!tau) {
            throw value_error("sa_solver", "tau", "a function", "none");
        }
        detail::require_falling_noise("sa_solver", grid);
        const auto slope = predict_x0 ? detail::slope_moment::half : detail::slope_moment::exact;
        detail::multistep_planner out(grid, predict_x0 ? quantity::x0 : quantity::eps, {slope});
        for (isize k = 0; k < grid.steps(); ++k) {
            const isize rest = lower_order_final ? grid.steps() - k : detail::any_order;
            out.step({.predictor_order = std::min(predictor_order, rest),
                      .corrector_order = std::min(corrector_order, rest + 1),
                      .tau = tau_at(grid[k].t),
                      .s_noise = 1});
        }
        return std::move(out).plan();
    }

private:
    [[nodiscard]] double tau_at(double t) const {
        const double value = tau(t);
        if (!(value >= 0 && std::isfinite(value))) {
            throw value_error("sa_solver", detail::text("tau(", t, ")"), "finite and >= 0", value);
        }
        return value;
    }
};

}  // namespace ddpm
