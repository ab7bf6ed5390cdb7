// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/process/parameterization.hpp>

#include <algorithm>
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

/// Turns a prediction into the estimates of x_0 and ε at one noise level.
/// @shape xt, prediction and the pair D × N; none of the outputs may be an input
/// @throws shape_error if the shapes differ; value_error if the clip is not positive, or where the conversion does not exist
/// @source Ho et al. 2020, arXiv 2006.11239, equation 15; clipping: the authors' code
template <Scalar S, std::floating_point Real>
void denoise(prediction kind, const marginal<Real>& level, batch_view<const S> xt, batch_view<const S> predicted,
             const denoise_options& options, const denoised<S>& out) {
    detail::require_same_shape("denoise", "prediction has the shape of xt", xt, predicted);
    detail::require_same_shape("denoise", "x0 has the shape of xt", xt, out.x0);
    detail::require_same_shape("denoise", "eps has the shape of xt", xt, out.eps);
    const affine x0 = conversion(kind, prediction::x0, level);
    const affine eps = conversion(kind, prediction::epsilon, level);
    if (options.clip_x0 && !(*options.clip_x0 > 0)) {
        throw value_error("denoise", "clip_x0", "> 0", *options.clip_x0);
    }
    const affine eps_again =
        options.clip_epsilon ? conversion(prediction::x0, prediction::epsilon, level) : affine{0, 0};
    const S limit = static_cast<S>(options.clip_x0.value_or(0));
    const S x0_x = static_cast<S>(x0.xt), x0_p = static_cast<S>(x0.value);
    const S eps_x = static_cast<S>(eps.xt), eps_p = static_cast<S>(eps.value);
    const S again_x = static_cast<S>(eps_again.xt), again_0 = static_cast<S>(eps_again.value);
    kernels::for_each_block(xt.rows(), xt.columns(), [&](index n, index first, index last) {
        const S* x = xt.column(n);
        const S* p = predicted.column(n);
        S* clean_estimate = out.x0.column(n);
        S* noise_estimate = out.eps.column(n);
        for (index i = first; i < last; ++i) {
            clean_estimate[i] = x0_x * x[i] + x0_p * p[i];
            noise_estimate[i] = eps_x * x[i] + eps_p * p[i];
        }
        if (options.clip_x0) {
            for (index i = first; i < last; ++i) {
                clean_estimate[i] = std::clamp(clean_estimate[i], -limit, limit);
            }
            if (options.clip_epsilon) {
                for (index i = first; i < last; ++i) {
                    noise_estimate[i] = again_x * x[i] + again_0 * clean_estimate[i];
                }
            }
        }
    });
}

}  // namespace ddpm
