// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/level_function.hpp>
#include <ddpm/sampler/detail/path.hpp>
#include <ddpm/sampler/detail/ratio_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

namespace ddpm {

/// The pseudo numerical method: DDIM's step φ with an averaged ε̄,
///     x_s = φ(ε̄, s) = α_s (x̂_0 + ρ_t ε̂ + (ρ_s − ρ_t) ε̄).
/// From step `order` on, ε̄ is that of an Adams–Bashforth method (PLMS), see `ipndm`; for order 4 it is (55 ε_0 − 59
/// ε_1 + 37 ε_2 − 9 ε_3)/24. The first order − 1 steps are Runge–Kutta steps with four evaluations: a at x_t, b at
/// φ(ε_a, m), c at φ(ε_b, m), both with m halfway in time, d at φ(ε_c, s), and ε̄ = (ε_a + 2 ε_b + 2 ε_c + ε_d)/6. With
/// skip_runge_kutta they are Adams–Bashforth steps of lower order, and the first has two evaluations: a at x_t, b at
/// φ(ε_a, s), and ε̄ = (ε_a + ε_b)/2. If the times are whole numbers, m is rounded down. If the grid has only one step,
/// it is DDIM's. With averaged::v the v = (α ε̂ − σ x̂_0)/√(α² + σ²) of the evaluations are averaged to v̄ with the
/// same weights, and ε̄ = ε̂ + (α_t/√(α_t² + σ_t²)) (v̄ − v_t).
/// A long step from a large ρ is inaccurate: the timesteps of a cosine schedule begin at ρ = 20,000, and over 20 of
/// them the samples explode. Use a sigma_grid with a smaller largest σ. With skip_runge_kutta only the first step is in
/// danger, which is Heun's.
/// @source Liu et al. 2022, arXiv 2202.09778, equations 11 to 14 and algorithm 2
/// @accuracy order p = `order` over whole runs of 20 to 160 equal steps of σ/α, order 2 over other grids; order 1 with
/// averaged::v. Σ|x| at the end of diffusers' test loops within 0.01
struct pndm {
    /// The averaged quantity. diffusers averages the network's output; an averaged v, converted to ε with the x and the
    /// level at the start of the step, has order 1 whatever the order of the average.
    enum class averaged { epsilon, v };

    bool skip_runge_kutta = false;  ///< skip_prk_steps of diffusers
    isize order = 4;                ///< 1 to 4; 1 is DDIM
    averaged average = averaged::epsilon;
    std::optional<level_function> level_of{};  ///< for the level halfway in time; diffusers uses the schedule's

    /// @throws value_error unless 1 ≤ order ≤ 4
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_order("pndm", "order", order, 1, 4);
        sampling_plan out(grid);
        detail::adams_history history(order);
        for (isize k = 0; k < grid.steps(); ++k) {
            const isize start = out.evaluate(k, grid[k]);
            history.add(start, static_cast<double>(k));
            const bool has_slope_at_end =
                k + 1 < grid.steps() && detail::has_inner_points(grid[k].level, grid[k + 1].level);
            if (k + 1 < order && !skip_runge_kutta && has_slope_at_end) {
                runge_kutta(out, k, start);
                continue;
            }
            out.set(quantity::x,
                    transfer(out, k, grid[k + 1].level, start, history.weights(static_cast<double>(k + 1))));
            if (k == 0 && order > 1 && skip_runge_kutta && has_slope_at_end) {
                const isize end = out.evaluate(k, grid[k + 1]);
                out.set(quantity::x, transfer(out, k, grid[k + 1].level, start, {{start, 0.5}, {end, 0.5}}));
            }
        }
        return out;
    }

private:
    void runge_kutta(sampling_plan& out, isize k, isize a) const {
        const grid_point& end = out.grid()[k + 1];
        const double half = (out.grid()[k].t + end.t) / 2;
        const grid_point middle = detail::point_at_time(
            out.grid(), k, detail::has_whole_times(out.grid()) ? std::floor(half) : half, level_of);
        out.set(quantity::x, transfer(out, k, middle.level, a, {{a, 1}}));
        const isize b = out.evaluate(k, middle);
        out.set(quantity::x, transfer(out, k, middle.level, a, {{b, 1}}));
        const isize c = out.evaluate(k, middle);
        out.set(quantity::x, transfer(out, k, end.level, a, {{c, 1}}));
        const isize d = out.evaluate(k, end);
        out.set(quantity::x, transfer(out, k, end.level, a, {{a, 1.0 / 6}, {b, 1.0 / 3}, {c, 1.0 / 3}, {d, 1.0 / 6}}));
    }

    /// The step φ from point k, where evaluation `start` was made, to a level.
    [[nodiscard]] std::vector<term> transfer(const sampling_plan& out, isize k, const noise_level<double>& to,
                                             isize start, const std::vector<detail::slope_weight>& weights) const {
        const noise_level<double>& from = out.grid()[k].level;
        if (average == averaged::epsilon || from.signal == 0 || to.signal == 0) {
            return detail::ratio_step(from, to, start, weights);
        }
        // ε̂ = (σ x + α r v)/r² with r² = α² + σ², the averaged v and x = α x̂_0 + σ ε̂ of the start.
        const double r = std::hypot(from.signal, from.sigma);
        const double width = to.signal * (noise_ratio(to) - noise_ratio(from)) * (from.signal / r);
        std::vector<term> sum;
        double others = 1;  // the sum of the weights of the evaluations other than `start`
        for (const auto& [e, weight] : weights) {
            const noise_level<double>& at = out.stages()[static_cast<std::size_t>(e)].level;
            const double factor = width * weight / std::hypot(at.signal, at.sigma);
            if (e == start) {
                others -= weight;
            } else {
                sum.push_back(term::eps(e, factor * at.signal));
                sum.push_back(term::x0(e, -factor * at.sigma));
            }
        }
        sum.push_back(term::x0(start, to.signal + others * width * from.sigma / r));
        sum.push_back(term::eps(start, to.sigma - others * width * from.signal / r));
        return sum;
    }
};

}  // namespace ddpm
