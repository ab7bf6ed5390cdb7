// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/silu.hpp>
#include <ddpm/nn/detail/check.hpp>

namespace ddpm::nn {

/// The activation x · sigmoid(x), also called swish.
/// @source Elfwing et al. 2017, arXiv 1702.03118; Ramachandran et al. 2017, arXiv 1710.05941
template <Scalar S>
struct silu {
    using scalar = S;

    /// y = x / (1 + e^−x).
    /// @shape x and y D × N; y may be x
    /// @throws shape_error if the shapes differ
    void forward(batch_view<const S> x, batch_view<S> y) const {
        detail::require_batch("silu::forward", "output", y, x.rows(), x.columns());
        kernels::for_each_alike(
            [&](isize n, isize first, isize last) {
                kernels::silu(last - first, x.column(n) + first, y.column(n) + first);
            },
            x, y);
    }

    /// dx = dy · s (1 + x (1 − s)) with s = sigmoid(x).
    /// @shape x, dy and dx D × N; dx may be x or dy
    /// @throws shape_error if the shapes differ
    void backward(batch_view<const S> x, batch_view<const S> dy, batch_view<S> dx) const {
        detail::require_batch("silu::backward", "gradient of the output", dy, x.rows(), x.columns());
        detail::require_batch("silu::backward", "gradient of the input", dx, x.rows(), x.columns());
        kernels::for_each_alike(
            [&](isize n, isize first, isize last) {
                kernels::silu_backward(last - first, x.column(n) + first, dy.column(n) + first, dx.column(n) + first);
            },
            x, dy, dx);
    }

    template <class Self, class Visitor>
    static void visit(Self&, Visitor&&) {}
};

}  // namespace ddpm::nn
