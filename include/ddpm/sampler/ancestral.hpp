// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>
#include <ddpm/schedule/time_grid.hpp>

#include <cmath>
#include <span>

namespace ddpm {

/// The reverse chain of DDPM: x_s is drawn from q(x_s|x_t, x̂_0), with a fixed variance. A step to x_0 draws nothing.
/// @source Ho et al. 2020, arXiv 2006.11239, algorithm 2
struct ancestral {
    reverse_variance variance = reverse_variance::fixed_small;

    /// The plan over any grid of falling noise.
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        sampling_plan out(grid);
        for (index k = 0; k < grid.steps(); ++k) {
            const marginal<double>& level = grid[k].level;
            const marginal<double>& next = grid[k + 1].level;
            const auto posterior = posterior_between(next, level);
            const double large = transition_between(next, level).variance;
            add_step(out, k, posterior, variance == reverse_variance::fixed_small ? posterior.variance : large);
        }
        return out;
    }

    /// The plan over falling timesteps of a chain, in the chain's own arithmetic: exact where it knows β, rounded as
    /// diffusers rounds where its tables are.
    /// @units timesteps are 0-based
    /// @throws value_error unless the timesteps fall strictly within 0 … T − 1
    template <NoiseSchedule Schedule>
    [[nodiscard]] sampling_plan plan(const Schedule& schedule, std::span<const index> timesteps) const {
        sampling_plan out(make_grid(schedule, timesteps));
        for (index k = 0; k < out.steps(); ++k) {
            const index t = timesteps[static_cast<std::size_t>(k)];
            const index s = k + 1 < out.steps() ? timesteps[static_cast<std::size_t>(k + 1)] : clean;
            const auto posterior = posterior_at(schedule, s, t);
            add_step(out, k, posterior, reverse_variance_at(schedule, variance, t, s));
        }
        return out;
    }

private:
    template <std::floating_point Real>
    static void add_step(sampling_plan& out, index k, const posterior_coefficients<Real>& posterior, Real variance) {
        const time_grid& grid = out.grid();
        const index e = out.evaluate(k, grid[k]);
        const double x0 = static_cast<double>(posterior.x0), xt = static_cast<double>(posterior.xt);
        if (grid[k + 1].level.sigma == 0) {
            out.set(quantity::x, {term::x0(e, x0), term::x(xt)});
            return;
        }
        const index z = out.draw(grid[k].level, grid[k + 1].level);
        out.set(quantity::x, {term::x0(e, x0), term::x(xt), term::noise(z, static_cast<double>(std::sqrt(variance)))});
    }
};

}  // namespace ddpm
