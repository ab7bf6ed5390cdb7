// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/quantile.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/process/parameterization.hpp>

#include <algorithm>
#include <concepts>
#include <limits>
#include <optional>
#include <span>

namespace ddpm {

/// The pair of estimates that samplers use: x_0 and ε.
template <Scalar S>
struct denoised {
    batch_view<S> x0;   ///< D × N
    batch_view<S> eps;  ///< D × N
};

/// Dynamic thresholding: clamps each sample's x_0 to [−s, s] and divides it by s, with s = min(max(q, 1), max) for a
/// quantile q of the sample's |x_0|.
/// @source Saharia et al. 2022, arXiv 2205.11487, section 2.3; the upper bound: diffusers, whose default of 1 leaves s = 1
struct dynamic_threshold {
    double ratio = 0.995;                                  ///< the quantile, in [0, 1]
    double max = std::numeric_limits<double>::infinity();  ///< > 0
};

/// Options of the estimates of x_0 and ε.
struct denoise_options {
    std::optional<double> clip_x0{};               ///< clamps x_0 to [−c, c]; without a value it is not clamped
    bool clip_epsilon = false;                     ///< recomputes ε from the clamped x_0, as in OpenAI's code
    std::optional<dynamic_threshold> threshold{};  ///< instead of clip_x0
};

/// @throws value_error if an option is outside its domain, or both clip_x0 and threshold are given
inline void require_valid(const denoise_options& options) {
    if (options.clip_x0 && !(*options.clip_x0 > 0)) {
        throw value_error("denoise", "clip_x0", "> 0", *options.clip_x0);
    }
    if (options.threshold) {
        const auto [ratio, max] = *options.threshold;
        if (options.clip_x0) {
            throw value_error("denoise", "limits of x0", "clip_x0 or threshold", "both");
        }
        if (!(ratio >= 0 && ratio <= 1 && max > 0)) {
            throw value_error("denoise", "threshold", "0 <= ratio <= 1, max > 0", detail::text(ratio, ", ", max));
        }
    }
}

/// The coefficients of the estimates, for kernels that compute them as part of another computation. Dynamic
/// thresholding is left to the caller, since it is not elementwise.
/// @throws value_error as require_valid, or where the conversion does not exist
/// @accuracy those of `conversion`, rounded to S
template <Scalar S, std::floating_point Real>
[[nodiscard]] kernels::denoise_coefficients<S> denoise_coefficients_of(prediction kind, const noise_level<Real>& level,
                                                                       const denoise_options& options) {
    require_valid(options);
    const affine x0 = conversion(kind, prediction::x0, level);
    const bool eps_from_x0 = (options.clip_x0 || options.threshold) && options.clip_epsilon;
    const affine eps = conversion(eps_from_x0 ? prediction::x0 : kind, prediction::epsilon, level);
    return {.x0_xt = static_cast<S>(x0.xt),
            .x0_value = static_cast<S>(x0.value),
            .limit = static_cast<S>(options.clip_x0.value_or(std::numeric_limits<double>::infinity())),
            .eps_xt = static_cast<S>(eps.xt),
            .eps_value = static_cast<S>(eps.value),
            .eps_from_x0 = eps_from_x0};
}

/// The limit s of dynamic thresholding for each sample. Overwrites x0 with the values |x0| in another order.
/// @shape x0 D × N, D > 0; limits N
/// @accuracy the quantile at most 4 roundings of it, and the limits as that
/// @source Saharia et al. 2022, arXiv 2205.11487, section 2.3
template <Scalar S>
void threshold_limits(const dynamic_threshold& threshold, batch_view<S> x0, std::span<S> limits) {
    kernels::detail::absolute_quantiles<S>(x0, threshold.ratio, x0, limits.data());
    for (S& limit : limits) {
        limit = std::min(std::max(limit, S{1}), static_cast<S>(threshold.max));
    }
}

/// Computes the estimates of x_0 and ε from a prediction at one noise level.
/// @shape xt, prediction and the pair D × N; the outputs may be the inputs
/// @throws shape_error if the shapes differ; value_error as require_valid, where the conversion does not exist, or
/// if a threshold is given, since it needs scratch memory (see sampling_run)
/// @accuracy x_0 and ε: at most 3 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |a x_t| + |b prediction|, a and b from
/// `conversion`; an ε recomputed from x_0: the same with the x_0 that was written
/// @source Ho et al. 2020, arXiv 2006.11239, equation 15; clipping: the authors' code
/// @complexity one pass over memory
template <Scalar S, std::floating_point Real>
void denoise(prediction kind, const noise_level<Real>& level, batch_view<const S> xt, batch_view<const S> predicted,
             const denoise_options& options, const denoised<S>& out) {
    detail::require_same_shape("denoise", "prediction has the shape of xt", xt, predicted);
    detail::require_same_shape("denoise", "x0 has the shape of xt", xt, out.x0);
    detail::require_same_shape("denoise", "eps has the shape of xt", xt, out.eps);
    if (options.threshold) {
        throw value_error("denoise", "threshold", "none", "one");
    }
    kernels::denoise(denoise_coefficients_of<S>(kind, level, options), xt, predicted, out.x0, out.eps);
}

}  // namespace ddpm
