// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/layer_norm.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <algorithm>

namespace ddpm::nn {

/// Layer normalization of each sample over its elements, with a learned scale and shift.
/// @source Ba et al. 2016, arXiv 1607.06450
template <Scalar S>
struct layer_norm : weight_and_bias {
    using scalar = S;

    tensor<S> weight;  ///< (size)
    tensor<S> bias;    ///< (size)
    double eps = 1e-5;

    layer_norm() noexcept = default;

    /// Scale one, shift zero.
    explicit layer_norm(isize size) : weight({size}), bias({size}) {
        std::fill(weight.values().begin(), weight.values().end(), S{1});
    }

    [[nodiscard]] isize size() const noexcept { return weight.size(); }

    /// y = (x − mean) / √(variance + eps) · weight + bias, with the variance of the D elements divided by D.
    /// @shape x, y D × N, y may be x; moments 2 × N: mean and 1/√(variance + eps) of each sample
    /// @throws shape_error if the shapes do not fit
    /// @accuracy with the unit roundoff u of S, the error of the mean is at most (D / 2 + 32) · u times the mean of |x|,
    /// and the relative error of the variance twice that, if the mean is not much larger than the deviation
    /// @determinism the bits of a sample depend on that sample only
    void forward(batch_view<const S> x, batch_view<S> y, batch_view<S> moments) const {
        detail::require_batch("layer_norm::forward", "input", x, size(), x.columns());
        detail::require_batch("layer_norm::forward", "output", y, size(), x.columns());
        detail::require_batch("layer_norm::forward", "moments", moments, 2, x.columns());
        kernels::detail::layer_norm<S>(x, weight.data(), bias.data(), eps, y, moments);
    }

    /// With g = dy · weight and z = (x − mean)/σ: dx = (g − mean(g) − z · mean(g z))/σ; d.weight += Σ dy z; d.bias += Σ
    /// dy.
    /// @shape x, dy, dx D × N, dx may be dy; moments 2 × N as forward left them; d of this layer's sizes
    /// @throws shape_error if the shapes do not fit
    /// @determinism the same bits for every thread count
    /// @accuracy for values near 1 within 2e-6 in float and 1e-13 in double of torch's; in double 1e-6 of central
    /// differences
    void backward(batch_view<const S> x, batch_view<const S> moments, batch_view<const S> dy, batch_view<S> dx,
                  layer_norm& d) const {
        detail::require_batch("layer_norm::backward", "input", x, size(), x.columns());
        detail::require_batch("layer_norm::backward", "moments", moments, 2, x.columns());
        detail::require_batch("layer_norm::backward", "gradient of the output", dy, size(), x.columns());
        detail::require_batch("layer_norm::backward", "gradient of the input", dx, size(), x.columns());
        detail::require_gradient("layer_norm::backward", weight.shape(), d.weight.shape());
        detail::require_gradient("layer_norm::backward", bias.shape(), d.bias.shape());
        kernels::detail::layer_norm_backward<S>(x, weight.data(), moments, dy, dx, d.weight.data(), d.bias.data());
    }
};

DDPM_CLASS_INSTANCE(struct layer_norm<float>)

}  // namespace ddpm::nn
