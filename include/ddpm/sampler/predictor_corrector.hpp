// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/detail/corrected_run.hpp>
#include <ddpm/sampler/detail/signatures.hpp>
#include <ddpm/sampler/predictor_corrector_options.hpp>
#include <ddpm/sampler/run.hpp>

#include <type_traits>
#include <utility>

namespace ddpm {

/// Denoises samples over a grid by a Langevin corrector at each level and a reverse diffusion step to the next.
/// @shape x, the samples at the grid's first level, and the result D × N; if the callback, which is called at the first
/// evaluation of each step, stopped the run, the estimate of x_0 then
/// @throws value_error unless corrections ≥ 0 and 0 < signal_to_noise ≤ 10⁶, or where the score, or x_0 for
/// the callback, does not follow from the prediction
/// @determinism as sample(), unless `batch_norms` ties samples to their neighbours
/// @source Song et al. 2020, arXiv 2011.13456, algorithms 2 and 4 (variance exploding), 3 and 5 (preserving, whose
/// corrector has another step there)
template <Scalar S, class P, class Noise>
[[nodiscard]] batch<S> denoise_from(const predictor_corrector& sampler, const time_grid& grid, P&& predictor, batch<S> x,
                                    Noise&& noise, isize first_sample = 0, const step_callback<S>& on_step = {}) {
    static_cast<void>(detail::signatures<S, P, Noise>{});
    if (sampler.corrections < 0 || !(sampler.signal_to_noise > 0 && sampler.signal_to_noise <= 1e6)) {
        throw value_error("predictor_corrector", "corrections and signal_to_noise", ">= 0, > 0 and <= 1e6",
                          detail::text(sampler.corrections, ", ", sampler.signal_to_noise));
    }
    decltype(auto) session = detail::session_of(predictor, x.cols());
    detail::corrected_run<S, std::remove_reference_t<decltype(session)>, std::remove_reference_t<Noise>> run(
        sampler, session, prediction_of(predictor), noise, std::move(x), first_sample);
    for (isize k = 0; k < grid.steps() && run.step(grid[k], grid[k + 1], k, grid.steps(), on_step); ++k) {
    }
    return std::move(run).samples();
}

}  // namespace ddpm
