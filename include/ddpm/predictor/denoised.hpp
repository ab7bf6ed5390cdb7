// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/process/parameterization.hpp>

#include <limits>
#include <optional>

namespace ddpm {

/// The pair that every sampler works with: the estimates of x_0 and of ε.
template <Scalar S>
struct denoised {
    batch_view<S> x0;   ///< D × N
    batch_view<S> eps;  ///< D × N
};

/// How the pair follows from a prediction.
struct denoise_options {
    std::optional<double> clip_x0{};  ///< limits x_0 to [−c, c]; without a value x_0 is left alone
    bool clip_epsilon = false;        ///< computes ε anew from the clipped x_0, as OpenAI's code does; diffusers does not
};

/// The coefficients of the pair, for kernels that compute it as a part of something else.
/// @throws value_error if the clip is not positive, or where the conversion does not exist
template <Scalar S, std::floating_point Real>
[[nodiscard]] kernels::denoise_coefficients<S> denoise_coefficients_of(prediction kind, const marginal<Real>& level,
                                                                       const denoise_options& options) {
    const affine x0 = conversion(kind, prediction::x0, level);
    if (options.clip_x0 && !(*options.clip_x0 > 0)) {
        throw value_error("denoise", "clip_x0", "> 0", *options.clip_x0);
    }
    const bool eps_from_x0 = options.clip_x0 && options.clip_epsilon;
    const affine eps = conversion(eps_from_x0 ? prediction::x0 : kind, prediction::epsilon, level);
    return {.x0_xt = static_cast<S>(x0.xt),
            .x0_value = static_cast<S>(x0.value),
            .limit = static_cast<S>(options.clip_x0.value_or(std::numeric_limits<double>::infinity())),
            .eps_xt = static_cast<S>(eps.xt),
            .eps_value = static_cast<S>(eps.value),
            .eps_from_x0 = eps_from_x0};
}

/// Turns a prediction into the estimates of x_0 and ε at one noise level.
/// @shape xt, prediction and the pair D × N; the outputs may be the inputs
/// @throws shape_error if the shapes differ; value_error if the clip is not positive, or where the conversion does not
/// exist
/// @source Ho et al. 2020, arXiv 2006.11239, equation 15; clipping: the authors' code
/// @complexity one pass over memory
template <Scalar S, std::floating_point Real>
void denoise(prediction kind, const marginal<Real>& level, batch_view<const S> xt, batch_view<const S> predicted,
             const denoise_options& options, const denoised<S>& out) {
    detail::require_same_shape("denoise", "prediction has the shape of xt", xt, predicted);
    detail::require_same_shape("denoise", "x0 has the shape of xt", xt, out.x0);
    detail::require_same_shape("denoise", "eps has the shape of xt", xt, out.eps);
    kernels::denoise(denoise_coefficients_of<S>(kind, level, options), xt, predicted, out.x0, out.eps);
}

}  // namespace ddpm
