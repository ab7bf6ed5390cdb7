// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/sampler/detail/exponential_multistep.hpp>
#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <cmath>
#include <functional>

namespace ddpm {

/// SA-Solver: stochastic Adams–Bashforth steps, whose result an Adams–Moulton step with the same draw corrects at the
/// next evaluation. The defaults are diffusers'.
/// @source Xue et al. 2023, arXiv 2309.05019, algorithm 1; the steps through two estimates of x_0 are changed in the
/// third order of h, as in the authors' and in diffusers' code
struct sa_solver {
    isize predictor_order = 2;  ///< number of estimates, ≥ 1
    isize corrector_order = 2;  ///< number of estimates, the newest included; 0: no corrector
    bool predict_x0 = true;     ///< integrates x_0; otherwise ε
    /// Stochasticity τ ≥ 0 of the step that begins at the model's time t; 0 is the ordinary differential equation.
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
        return detail::exponential_multistep_plan(
            grid, predict_x0 ? quantity::x0 : quantity::eps, {slope}, [&](isize k) {
                const isize rest = lower_order_final ? grid.steps() - k : detail::any_order;
                return detail::multistep_options{.predictor_order = std::min(predictor_order, rest),
                                                 .corrector_order = std::min(corrector_order, rest + 1),
                                                 .tau = tau_at(grid[k].t),
                                                 .s_noise = 1};
            });
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
