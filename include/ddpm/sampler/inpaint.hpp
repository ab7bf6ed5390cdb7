// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/blocks.hpp>
#include <ddpm/sampler/run.hpp>

#include <type_traits>
#include <utility>

namespace ddpm {

/// The known elements of the samples.
template <Scalar S>
struct known_region {
    batch_view<const S> x0;    ///< D × N
    batch_view<const S> mask;  ///< D × N, or D × 1 for all samples: 1 where x0 is known, 0 where not, between for a mix
};

namespace detail {

/// @throws value_error unless the mask lies within [0, 1]
template <Scalar S>
void require_mask(const known_region<S>& known) {
    for (isize n = 0; n < known.mask.columns(); ++n) {
        for (isize i = 0; i < known.mask.rows(); ++i) {
            if (const S value = known.mask.column(n)[i]; !(value >= 0 && value <= 1)) {
                throw value_error("inpaint", text("mask of element ", i, " of sample ", n), "0 <= mask <= 1", value);
            }
        }
    }
}

/// Replaces the known region of x by x0 noised to a level: x ← mask · (α x_0 + σ z) + (1 − mask) · x. Where the mask is
/// 0, x0 may be infinite or NaN; where it is 1, x may be.
/// @pre the shapes fit, and the mask lies within [0, 1]
/// @shape x and z D × N; z is not read where sigma is 0
/// @source Lugmayr et al. 2022, arXiv 2201.09865, equation 8
template <Scalar S>
void impose(const known_region<S>& known, const noise_level<double>& level, batch_view<const S> z, batch_view<S> x) {
    const S alpha = static_cast<S>(level.signal), sigma = static_cast<S>(level.sigma);
    kernels::for_each_block(x.rows(), x.columns(), [&](isize n, isize first, isize last) {
        const S* const x0 = known.x0.column(n);
        const S* const mask = known.mask.column(known.mask.columns() == 1 ? 0 : n);
        const S* const noise = level.sigma == 0 ? nullptr : z.column(n);
        S* const out = x.column(n);
        for (isize i = first; i < last; ++i) {
            const S at_level = noise == nullptr ? alpha * x0[i] : alpha * x0[i] + sigma * noise[i];
            const S mixed = mask[i] * at_level + (1 - mask[i]) * out[i];
            out[i] = mask[i] == 0 ? out[i] : mask[i] == 1 ? at_level : mixed;  // a value of weight 0 may be NaN
        }
    });
}

}  // namespace detail

/// Inpainting with any plan: before the first step and after each step, the known region of x is replaced by x0 noised
/// to the current level, x ← mask · (α x_0 + σ z) + (1 − mask) · x, at a last level without noise by x0 itself. Where
/// the mask is 0, x0 may be infinite or NaN. For a better agreement of known and generated regions use the plan of
/// `repaint`.
/// @shape x, the samples at the plan's first level, D × N, and known likewise
/// @returns D × N
/// @throws shape_error if the shapes differ; value_error unless the mask lies within [0, 1]
/// @determinism as sample(); the known region's noise is independent of the plan's: it is drawn by noise.normal, also
/// of a NoisePath, at the addresses after the plan's own draws
/// @source Song et al. 2020, arXiv 2011.13456, appendix I.2; Lugmayr et al. 2022, arXiv 2201.09865, equation 8
/// @accuracy known elements are exact where the mask is 1 and the last level has no noise; at other levels 1e-15 of
/// values near 1 in double; the others as the plan's sampler
template <Scalar S, class P, class Noise>
[[nodiscard]] batch<S> inpaint(const sampling_plan& plan, P&& predictor, const known_region<S>& known, batch<S> x,
                               Noise&& noise, const denoise_options& options = {}, const step_callback<S>& on_step = {},
                               isize first_sample = 0) {
    static_cast<void>(detail::signatures<S, P, Noise>{});
    detail::require_same_shape("inpaint", "x has the shape of what is known", known.x0, batch_view<const S>(x));
    if (known.mask.rows() != x.rows() || (known.mask.columns() != 1 && known.mask.columns() != x.cols())) {
        throw shape_error("inpaint", "mask", detail::text(x.rows(), " x 1 or ", x.cols()),
                          detail::text(known.mask.rows(), " x ", known.mask.columns()));
    }
    detail::require_mask(known);
    batch<S> z(x.rows(), x.cols());
    isize draw = static_cast<isize>(plan.draws().size()) + 1;
    sampling_run<S, std::remove_reference_t<P>, std::remove_reference_t<Noise>> run(
        plan, predictor, noise, std::move(x), options, first_sample);
    const auto impose_now = [&] {
        const noise_level<double> level = run.stopped() ? noise_level<double>{1, 0}
                                          : run.done()  ? plan.grid()[plan.grid().steps()].level
                                                        : run.next().level;
        if (level.sigma > 0) {
            noise.normal(batch_view<S>(z), draw++, first_sample);
        }
        detail::impose<S>(known, level, z, run.x());
    };
    impose_now();
    while (!run.done()) {
        run.step(on_step);
        impose_now();
    }
    return std::move(run).take();
}

}  // namespace ddpm
