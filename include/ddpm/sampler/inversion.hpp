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

/// A grid over which `ddim` is its own approximate inverse: the levels in reverse order, and for each step the time of
/// its noisier end.
/// @source Dhariwal and Nichol 2021, arXiv 2105.05233, the authors' code; Mokady et al. 2022, arXiv 2211.09794, section
/// 3
/// @accuracy exact: levels and times are copied. Σ|x| of ddim over it at the end of diffusers' test loops within 0.01
[[nodiscard]] inline time_grid inversion_grid(const time_grid& grid) {
    std::vector<grid_point> points;
    for (isize k = grid.steps(); k > 0; --k) {
        points.push_back({grid[k - 1].t, grid[k].level});
    }
    points.push_back(grid[0]);
    return time_grid(std::move(points));
}

/// The inverse of `ddim` with η = 0. For a grid of falling noise its plan goes from the grid's end to its start. Each
/// step solves for the x_t from which ddim's step leads to x_s, by the fixed-point iteration
///     x_t ← (α_t/α_s) (x_s − σ_s ε̂(x_t, t)) + σ_t ε̂(x_t, t), from x_t = x_s on.
/// One iteration is the usual approximate inversion; the error falls with every further iteration, the faster the
/// smaller the derivative of ε̂ with respect to x. The estimates must not be clipped.
/// @source Pan et al. 2023, arXiv 2309.04907, equation 9 (fixed-point iteration)
/// @accuracy ddim gives back samples of Gaussian data within 1e-12 in double after 64 iterations
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
            const auto &t = grid[k].level, &s = grid[k + 1].level;
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

/// The result of an inversion.
template <Scalar S>
struct inverted {
    batch<S> latents;            ///< D × N, at the grid's first level
    batch<S> reconstructed;      ///< D × N, ddim's result from the latents
    per_sample_values<S> error;  ///< root mean square of reconstructed − x0, per sample
    bool stopped = false;        ///< the callback stopped a run: its result is an estimate of x_0, later ones are empty
};

/// Inverts samples, denoises the latents again, and computes the error. The callback is called in both runs.
/// @shape x0 D × N
/// @throws value_error as ddim_inversion
/// @accuracy as ddim_inversion; `error` is that of the two results within 1e-15 in double
template <BatchLike X, class P>
[[nodiscard]] inverted<scalar_of<X>> invert(const ddim_inversion& inversion, const time_grid& grid, P&& predictor,
                                            const X& x0, const step_callback<scalar_of<X>>& on_step = {}) {
    using S = scalar_of<X>;
    static_cast<void>(detail::signatures<S, P>{});
    const detail::readable samples(x0);
    const philox_noise none(0, noise_stream::sampler);  // neither plan draws
    inverted<S> out;
    const auto run_plan = [&](const sampling_plan& plan, batch<S> x) {
        sampling_run<S, std::remove_reference_t<P>, const philox_noise> run(plan, predictor, none, std::move(x));
        while (!run.done()) {
            run.step(on_step);
        }
        out.stopped = run.stopped();
        return std::move(run).take();
    };
    out.latents = run_plan(inversion.plan(grid), batch<S>(samples.view().array()));
    if (out.stopped) {
        return out;
    }
    out.reconstructed = run_plan(ddim{}.plan(grid), batch<S>(out.latents));
    if (out.stopped) {
        return out;
    }
    out.error = (out.reconstructed - samples.view().array()).square().colwise().mean().sqrt();
    return out;
}

}  // namespace ddpm
