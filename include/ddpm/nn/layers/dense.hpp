// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/kernels/row_sums.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/detail/product.hpp>
#include <ddpm/nn/memory/tensor.hpp>
#include <ddpm/nn/products.hpp>

namespace ddpm::nn {

/// A fully connected layer: y = W x + b for each sample.
template <Scalar S>
struct dense : weight_and_bias {
    using scalar = S;

    tensor<S> weight;                          ///< (outputs, inputs), as torch's Linear, but the outputs fastest
    tensor<S> bias;                            ///< (outputs)
    const float_products* products = nullptr;  ///< how products of float are computed; null: in float

    dense() noexcept = default;

    /// All zeros.
    dense(isize inputs, isize outputs) : weight({outputs, inputs}, tensor_order::first_fastest), bias({outputs}) {}

    [[nodiscard]] isize inputs() const noexcept { return weight.shape()[1]; }
    [[nodiscard]] isize outputs() const noexcept { return weight.shape()[0]; }

    /// y = W x + b.
    /// @shape x inputs × N; y outputs × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy that of kernels::matrix_product, with k = inputs
    /// @determinism the bits of a sample depend on that sample only
    void forward(batch_view<const S> x, batch_view<S> y) const {
        detail::require_batch("dense::forward", "input", x, inputs(), x.columns());
        detail::require_batch("dense::forward", "output", y, outputs(), x.columns());
        detail::product<S>(products, weights(), kernels::matrix_of(x), y, {.row_bias = bias.data()});
    }

    /// y += W x + b. Shapes, errors, accuracy and determinism as forward.
    void forward_add(batch_view<const S> x, batch_view<S> y) const {
        detail::require_batch("dense::forward_add", "input", x, inputs(), x.columns());
        detail::require_batch("dense::forward_add", "output", y, outputs(), x.columns());
        kernels::for_each_block(y.rows(), y.columns(), [&](isize n, isize first, isize last) {
            S* const column = y.column(n) + first;
            kernels::linear_combination(last - first, {S{1}, S{1}}, {column, bias.data() + first}, column);
        });
        detail::product<S>(products, weights(), kernels::matrix_of(x), y, {.accumulate = true});
    }

    /// dx = Wᵀ dy; d.weight += dy xᵀ; d.bias += Σ dy over the samples in order.
    /// @shape x inputs × N; dy outputs × N; dx inputs × N, or empty if not needed; d of this layer's sizes
    /// @throws shape_error if the shapes do not fit
    /// @determinism the same bits for every thread count
    /// @accuracy for values near 1 within 6e-6 in float and 6e-14 in double of torch's; in double 1e-6 of central
    /// differences
    void backward(batch_view<const S> x, batch_view<const S> dy, batch_view<S> dx, dense& d) const {
        detail::require_batch("dense::backward", "input", x, inputs(), x.columns());
        detail::require_batch("dense::backward", "gradient of the output", dy, outputs(), x.columns());
        detail::require_gradient("dense::backward", weight.shape(), d.weight.shape());
        detail::require_gradient("dense::backward", bias.shape(), d.bias.shape());
        if (dx.data() != nullptr) {
            detail::require_batch("dense::backward", "gradient of the input", dx, inputs(), x.columns());
            detail::product<S>(products, weights().transposed(), kernels::matrix_of(dy), dx);
        }
        detail::product<S>(products, kernels::matrix_of(dy), kernels::matrix_of(x).transposed(),
                           {d.weight.data(), outputs(), inputs()}, {.accumulate = true});
        kernels::add_row_sums<S>(dy, d.bias.data());
    }

private:
    [[nodiscard]] kernels::matrix_ref<S> weights() const {
        return kernels::matrix_of(batch_view<const S>(weight.data(), outputs(), inputs()));
    }
};

DDPM_CLASS_INSTANCE(struct dense<float>)

}  // namespace ddpm::nn
