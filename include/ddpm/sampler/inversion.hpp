// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/run.hpp>
#include <ddpm/sampler/sample.hpp>

#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

/// The grid on which `ddim` inverts itself approximately: the levels from the last to the first, where at each interval
/// the network is told the time of the noisier end.
/// @source Dhariwal and Nichol 2021, arXiv 2105.05233, the authors' code; Mokady et al. 2022, arXiv 2211.09794, section
/// 3
[[nodiscard]] inline time_grid inversion_grid(const time_grid& grid) {
    std::vector<grid_point> points;
    for (isize k = grid.steps(); k > 0; --k) {
        points.push_back({grid[k - 1].t, grid[k].level});
    }
    points.push_back(grid[0]);
    return time_grid(std::move(points));
}

/// Inverts `ddim` with η = 0: over a grid of falling noise its plan goes from the end to the beginning. Each step
/// solves for the x_t from which ddim's step leads to x_s, by iterating
///     x_t ← (α_t/α_s) (x_s − σ_s ε̂(x_t, t)) + σ_t ε̂(x_t, t), from x_t = x_s on.
/// One iteration is the usual approximate inversion; as many as the network's slope asks for invert exactly. The
/// estimates must not be clipped, which cannot be inverted.
/// @source Pan et al. 2023, arXiv 2309.04907, equation 9 (fixed-point iteration)
struct ddim_inversion {
    isize iterations = 5;  ///< evaluations per step, ≥ 1

    /// @throws value_error if there are no iterations, or the grid's noise rises
    [[nodiscard]] sampling_plan plan(const time_grid& grid) const {
        if (iterations < 1) {
            throw value_error("ddim_inversion", "iterations", ">= 1", iterations);
        }
        detail::require_falling_noise("ddim_inversion", grid);
        sampling_plan out(grid.reversed());
        for (isize k = grid.steps() - 1; k >= 0; --k) {
            const noise_level<double>& t = grid[k].level;
            const noise_level<double>& s = grid[k + 1].level;
            const double scale = t.signal / s.signal;
            for (isize i = 0; i < iterations; ++i) {
                const isize e = out.evaluate(grid.steps() - 1 - k, grid[k]);
                if (i == 0) {
                    out.set(quantity::base, {term::x(1)});
                }
                out.set(quantity::x, {term::base(scale), term::eps(e, t.sigma - scale * s.sigma)});
            }
        }
        return out;
    }
};

/// What an inversion found.
template <Scalar S>
struct inverted {
    batch<S> latents;            ///< D × N, at the grid's first level
    batch<S> reconstructed;      ///< D × N, what ddim makes of them
    per_sample_values<S> error;  ///< root mean square of reconstructed − x0, per sample
    bool stopped = false;        ///< the callback stopped it: what it was making is an estimate of x_0, the rest empty
};

/// Inverts samples, denoises what was found, and says how far that is from them. The callback sees the steps of both.
/// @shape x0 D × N
/// @throws value_error as ddim_inversion
template <BatchLike X, class P>
[[nodiscard]] inverted<scalar_of<X>> invert(const ddim_inversion& inversion, const time_grid& grid, P&& predictor,
                                            const X& x0, const step_callback<scalar_of<X>>& on_step = {}) {
    using S = scalar_of<X>;
    static_cast<void>(detail::signatures<S, P>{});
    const detail::readable samples(x0);
    const philox_noise none(0, noise_stream::sampler);  // neither plan draws
    inverted<S> out;
    const auto walk = [&](const sampling_plan& plan, batch<S> x) {
        sampling_run<S, std::remove_reference_t<P>, const philox_noise> run(plan, predictor, none, std::move(x));
        while (!run.done()) {
            run.step(on_step);
        }
        out.stopped = run.stopped();
        return std::move(run).take();
    };
    out.latents = walk(inversion.plan(grid), batch<S>(samples.view().array()));
    if (out.stopped) {
        return out;
    }
    out.reconstructed = walk(ddim{}.plan(grid), batch<S>(out.latents));
    if (out.stopped) {
        return out;
    }
    out.error = (out.reconstructed - samples.view().array()).square().colwise().mean().sqrt();
    return out;
}

}  // namespace ddpm
