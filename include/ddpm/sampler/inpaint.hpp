// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/run.hpp>

#include <type_traits>
#include <utility>

namespace ddpm {

/// What is known of the samples.
template <Scalar S>
struct known_region {
    batch_view<const S> x0;    ///< D × N
    batch_view<const S> mask;  ///< D × N, or D × 1 for all samples: 1 where x0 is known, 0 where it is not
};

/// Puts the known region, with the noise of a level, in the place of x there: x ← mask · (α x_0 + σ z) + (1 − mask) · x.
/// @shape x and z D × N; z is not read where sigma is 0
template <Scalar S>
void impose(const known_region<S>& known, const marginal<double>& level, batch_view<const S> z, batch_view<S> x) {
    const S alpha = static_cast<S>(level.signal), sigma = static_cast<S>(level.sigma);
    kernels::for_each_block(x.rows(), x.columns(), [&](index n, index first, index last) {
        const S* const x0 = known.x0.column(n);
        const S* const mask = known.mask.column(known.mask.columns() == 1 ? 0 : n);
        const S* const noise = level.sigma == 0 ? nullptr : z.column(n);
        S* const out = x.column(n);
        for (index i = first; i < last; ++i) {
            const S at_level = noise == nullptr ? alpha * x0[i] : alpha * x0[i] + sigma * noise[i];
            out[i] = mask[i] * at_level + (1 - mask[i]) * out[i];
        }
    });
}

/// Fills in what is not known, by any plan: before the first step and after each, the known region takes its place at the
/// level then reached; at the end, if that is without noise, it is x0 itself. The predictor alone lets the parts agree
/// only so far: see `repaint`.
/// @shape x, the samples at the plan's first level, D × N, and known likewise
/// @returns D × N
/// @throws shape_error if the shapes differ
/// @determinism as sample(); the known region's noise is drawn at the addresses after the plan's own draws
/// @source Song et al. 2020, arXiv 2011.13456, appendix I.2; Lugmayr et al. 2022, arXiv 2201.09865, equation 8
template <Scalar S, class P, NoiseSource<S> Noise>
    requires PredictorLike<P, S>
[[nodiscard]] batch<S> inpaint(const sampling_plan& plan, P&& predictor, const known_region<S>& known, batch<S> x,
                               Noise&& noise, const denoise_options& options = {}, index first_sample = 0) {
    detail::require_same_shape("inpaint", "x has the shape of what is known", known.x0, batch_view<const S>(x));
    if (known.mask.rows() != x.rows() || (known.mask.columns() != 1 && known.mask.columns() != x.cols())) {
        throw shape_error("inpaint", "mask", detail::text(x.rows(), " x 1 or ", x.cols()),
                          detail::text(known.mask.rows(), " x ", known.mask.columns()));
    }
    batch<S> z(x.rows(), x.cols());
    index draw = static_cast<index>(plan.draws().size()) + 1;
    sampling_run<S, std::remove_reference_t<P>, std::remove_reference_t<Noise>> run(plan, predictor, noise, std::move(x),
                                                                                    options, first_sample);
    const auto impose_now = [&] {
        const marginal<double> level = run.done() ? plan.grid()[plan.grid().steps()].level : run.next().level;
        if (level.sigma > 0) {
            noise.normal(batch_view<S>(z), draw++, first_sample);
        }
        impose<S>(known, level, z, run.x());
    };
    impose_now();
    while (!run.done()) {
        run.step();
        impose_now();
    }
    return std::move(run).take();
}

}  // namespace ddpm
