// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>

namespace ddpm {

namespace detail {

/// Adds a step of the reverse chain from one point to the next: the posterior's mean with x̂_0, plus noise with the
/// given deviation or that of the variance head. A step to σ = 0 has no noise.
template <std::floating_point Real>
void add_reverse_step(sampling_plan& out, isize step, const grid_point& from, const grid_point& to,
                      const posterior_coefficients<Real>& posterior, const head_variance& variance, Real deviation) {
    const isize e = out.evaluate(step, from);
    const term x0 = term::x0(e, static_cast<double>(posterior.x0)), xt = term::x(static_cast<double>(posterior.xt));
    if (to.level.sigma == 0) {
        out.set(quantity::x, {x0, xt});
        return;
    }
    const isize z = out.draw(from.level, to.level);
    if (needs_head(variance.kind)) {
        out.spread(variance);
        out.set(quantity::x, {x0, xt, term::spread_noise(z, 1)});
    } else {
        out.set(quantity::x, {x0, xt, term::noise(z, static_cast<double>(deviation))});
    }
}

/// As above, with the posterior between the levels of the two points.
inline void add_reverse_step(sampling_plan& out, isize step, const grid_point& from, const grid_point& to,
                             reverse_variance kind) {
    const auto posterior = posterior_between(to.level, from.level);
    const double large = transition_between(to.level, from.level).variance;
    add_reverse_step(out, step, from, to, posterior, head_variance_between(kind, to.level, from.level),
                     std::sqrt(std::max(0.0, kind == reverse_variance::fixed_small ? posterior.variance : large)));
}

}  // namespace detail

/// The reverse chain of DDPM: x_s is drawn from p(x_s|x_t) = q(x_s|x_t, x̂_0) with another variance V,
///     x_s = (α_s v/σ_t²) x̂_0 + (a σ_s²/σ_t²) x_t + √V z  with a = α_t/α_s and v = σ_t² − a² σ_s²,
/// which for neighbours in a table of β is (√ᾱ_{t−1} β_t/(1 − ᾱ_t)) x̂_0 + (√(1 − β_t) (1 − ᾱ_{t−1})/(1 − ᾱ_t)) x_t +
/// √V z. `variance`: fixed_small V = β̃ = v σ_s²/σ_t²; fixed_large V = v; with the network's head y, learned V = e^y,
/// learned_range V = v^f β̃^{1−f} with f = (y + 1)/2, and optimal V = β̃ + (α_s v/σ_t²)² y. A step to σ_s = 0 draws
/// nothing.
/// @source Ho et al. 2020, arXiv 2006.11239, algorithm 2; learned variances: Nichol and Dhariwal 2021, arXiv
/// 2102.09672; optimal: Bao et al. 2022, arXiv 2201.06503
/// @accuracy mean and deviation of a step within 8 ε, of values near 1; of a plan over a grid within that or 1e-10,
/// whichever is more, since levels know β only as a difference of numbers near 1. Σ|x| at the end of diffusers' test
/// loops over 1000 steps within 0.01, in float
struct ancestral {
    reverse_variance variance = reverse_variance::fixed_small;

    /// The plan over any grid of falling noise.
    /// @throws value_error on a grid of rising noise
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        detail::require_falling_noise("ancestral", grid);
        sampling_plan out(grid);
        for (isize k = 0; k < grid.steps(); ++k) {
            detail::add_reverse_step(out, k, grid[k], grid[k + 1], variance);
        }
        return out;
    }

    /// The plan over falling timesteps of a schedule, computed from its ᾱ in its floating-point type; with float32_tables
    /// the rounding is that of diffusers.
    /// @units timesteps are 0-based
    /// @throws value_error unless the timesteps fall strictly within 0 … T − 1
    template <NoiseSchedule Schedule>
    [[nodiscard]] sampling_plan plan(const Schedule& schedule, std::span<const isize> timesteps) const {
        const time_grid grid = make_grid(schedule, timesteps);
        sampling_plan out(grid);
        for (isize k = 0; k < grid.steps(); ++k) {
            const isize t = timesteps[static_cast<std::size_t>(k)];
            const isize s = k + 1 < grid.steps() ? timesteps[static_cast<std::size_t>(k + 1)] : clean;
            const head_variance head = head_variance_at(schedule, variance, t, s);
            const auto deviation =
                needs_head(variance) ? real_of<Schedule>{0} : std::sqrt(reverse_variance_at(schedule, variance, t, s));
            detail::add_reverse_step(out, k, grid[k], grid[k + 1], posterior_at(schedule, s, t), head, deviation);
        }
        return out;
    }
};

}  // namespace ddpm
