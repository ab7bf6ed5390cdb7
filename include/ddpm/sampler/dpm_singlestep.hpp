// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// DPM-Solver and DPM-Solver++, single-step: a solver step of order p covers p intervals of the grid, whose inner
/// points are its intermediate points, and uses no estimates from before. From its first point 0 it goes to each of its
/// points s = 1 … p by the formula of `dpm_multistep`, starting from x at λ_0, with h = λ_s − λ_0 and the estimates y_0
/// … y_{s−1} at its points:
///     s = 1: I = φ_1 y_0,
///     s = 2: I = φ_1 y_0 + m D with D = h (y_1 − y_0)/(λ_1 − λ_0); midpoint: m = φ_1/2, heun: m = φ_2,
///     s = 3, midpoint: I = φ_1 y_0 + φ_2 D with D = h (y_2 − y_0)/(λ_2 − λ_0),
///     s = 3, heun: I = φ_1 y_0 + φ_2 D_1 + 2 φ_3 D_2 with r_i = (λ_i − λ_0)/h, d_i = (y_i − y_0)/r_i,
///            D_2 = (d_2 − d_1)/(r_2 − r_1), D_1 = d_1 − r_1 D_2.
/// The defaults are diffusers'.
/// @source Lu et al. 2022, arXiv 2206.00927, algorithms 1 and 2 and appendix D.1 (the orders), and 2211.01095,
/// algorithm 1
/// @accuracy order p = `order` over a whole run of equal steps of λ. Σ|x| at the end of diffusers' test loops within a
/// relative 1e-5, in float
struct dpm_singlestep {
    isize order = 2;  ///< 1 to 3
    dpm_algorithm algorithm = dpm_algorithm::dpmsolver_pp;
    /// heun is of its order on any grid; midpoint of order 3 only where the steps of λ are equal.
    dpm_solver_type solver_type = dpm_solver_type::midpoint;
    bool lower_order_final = false;  ///< the last solver steps always have lower order
    double eta = 1;                  ///< η of the stochastic algorithms; 0: the ordinary differential equation
    double s_noise = 1;              ///< factor of the noise of the stochastic algorithms

    /// The plan over a grid. If the number of intervals is not a multiple of the order, the last solver steps have
    /// lower order. A solver step to σ = 0 has order 1. The stochastic algorithms make a draw for every evaluation.
    /// @throws value_error unless order is 1 to 3, η ≥ 0 and 0 ≤ s_noise ≤ 10⁶, and for a stochastic algorithm
    /// if the noise rises
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("dpm_singlestep", "order", order, 1, 3);
        detail::require_noise_factor("dpm_singlestep", s_noise);
        const double tau = detail::stochasticity("dpm_singlestep", algorithm, eta, grid);
        const std::vector<bool> begins = beginnings(grid);
        sampling_plan plan(grid);
        detail::estimate_history since_begin;
        isize first = 0;
        for (isize k = 0; k < grid.steps(); ++k) {
            const isize evaluation = plan.evaluate(k, grid[k]);
            if (begins[static_cast<std::size_t>(k)]) {
                first = k;
                since_begin = {};
                if (!begins[static_cast<std::size_t>(k + 1)]) {
                    plan.set(quantity::base, {term::x(1)});
                }
            }
            since_begin.add(evaluation, grid[k].level);
            const auto &from = grid[first].level, &to = grid[k + 1].level;
            const detail::exponential_step step(from, to, detail::integrand_of(algorithm), tau);
            auto terms =
                terms_of(step, first == k ? quantity::x : quantity::base, since_begin.newest(3), k - first == 2);
            if (detail::is_stochastic(algorithm)) {
                terms.push_back(term::noise(plan.draw(from, to), s_noise * step.noise()));
            }
            plan.set(quantity::x, std::move(terms));
        }
        return plan;
    }

private:
    /// For each point of the grid, whether a solver step begins there. Computed for the original grid, also for a run
    /// that skips its first points.
    [[nodiscard]] std::vector<bool> beginnings(const time_grid& grid) const {
        const isize steps = grid.steps(), whole = grid.skipped() + steps;
        const bool to_data = grid[steps].level.sigma == 0;
        const bool lower = lower_order_final || whole % order != 0 || to_data;
        std::vector<bool> begins(static_cast<std::size_t>(steps + 1), false);
        for (isize at = 0; at < whole;) {
            if (at >= grid.skipped()) {
                begins[static_cast<std::size_t>(at - grid.skipped())] = true;
            }
            const isize rest = whole - at;
            at += !lower || rest > order ? order : std::max<isize>(1, std::min(order - 1, rest));
        }
        begins[0] = begins[static_cast<std::size_t>(steps)] = true;
        // Where λ is infinite at an end, a step has order 1.
        begins[1] = begins[1] || grid[0].level.signal == 0 || grid[0].level.sigma == 0;
        begins[static_cast<std::size_t>(steps - 1)] = begins[static_cast<std::size_t>(steps - 1)] || to_data;
        return begins;
    }

    [[nodiscard]] std::vector<term> terms_of(const detail::exponential_step& step, quantity state,
                                             std::span<const detail::estimate> estimates, bool third) const {
        if (third && solver_type == dpm_solver_type::midpoint && estimates.size() == 3) {
            return step.terms(state, std::array{estimates.front(), estimates.back()});
        }
        return step.terms(state, estimates, {third ? detail::slope_moment::exact : detail::slope_of(solver_type)});
    }
};

}  // namespace ddpm
