// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/detail/wide.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/squared_error.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(any_squared_error)

namespace ddpm::kernels::detail {

/// Σ (prediction − a · x − b · y)² over `size` elements, and d_prediction = scale · (prediction − a · x − b · y), which
/// may be the prediction, or null if not needed. The target a · x + b · y is never stored. x is not read if a is 0, y not
/// if b alone is 0. NaN and infinity propagate into the sum. If `weight` is not null, the square and the gradient of element i
/// are multiplied by weight[i], which is finite; if it is 0, both are 0 even if the element is NaN or infinite.
/// @accuracy differences and gradients are rounded to S; squares, their products with the weights, and sums are in
/// double: sixteen partial sums, one per element index modulo 16, which are then added in order
/// @determinism the same bits on every instruction set
/// @complexity one pass over memory
template <Scalar S>
double squared_error(isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S* d_prediction,
                     const S* weight = nullptr, bool stream = false) {
    if (a == 0) {  // a single term comes first
        a = b;
        x = y;
        b = 0;
    }
    return DDPM_DISPATCH(any_squared_error<S>)(size, prediction, a, x, b, b == 0 ? nullptr : y, scale, d_prediction,
                                               weight, stream && weight == nullptr);
}

/// Coefficients of a column: it adds weight · Σ (prediction − x · x(:, n) − y · y(:, n))²; scale is the factor of its
/// gradient.
template <Scalar S>
struct error_terms {
    S x;
    S y;
    double weight;
    S scale;
};

/// The sum of the squared errors of all columns, with {x, y, weight, scale} = terms_of(n), and their gradients. A
/// gradient larger than the caches is written with streaming stores, unless it overwrites the prediction or elements
/// have weights. If `errors` is not null, errors[n] is the sum of column n without its weight.
/// @shape prediction, x and y D × N; d_prediction and element_weight too, or empty; errors N
/// @accuracy as above for each block of a column; the sums of blocks are added in a fixed order
/// @determinism the same bits on every instruction set and for every thread count
template <Scalar S, class TermsOf>
double squared_error(batch_view<const S> prediction, batch_view<const S> x, batch_view<const S> y,
                     const TermsOf& terms_of, batch_view<S> d_prediction, double* errors = nullptr,
                     batch_view<const S> element_weight = {}) {
    const bool stream = should_stream(d_prediction, prediction, x, y);
    const auto part = [&](const error_terms<S>& terms, isize n, isize first, isize last) {
        S* const d = d_prediction.size() == 0 ? nullptr : d_prediction.column(n) + first;
        const S* const weight = element_weight.size() == 0 ? nullptr : element_weight.column(n) + first;
        return squared_error(last - first, prediction.column(n) + first, terms.x, x.column(n) + first, terms.y,
                             y.column(n) + first, terms.scale, d, weight, stream);
    };
    return weighted_sum_over_columns(prediction.rows(), prediction.columns(), terms_of, part, errors);
}

/// errors[n] = weight · Σ (prediction(:, n) − target(:, n))², with weight = weight_of(n).
/// @shape prediction and target D × N; errors N
/// @accuracy and @determinism as above
template <Scalar S, class WeightOf>
void column_squared_errors(batch_view<const S> prediction, batch_view<const S> target, const WeightOf& weight_of,
                           double* errors) {
    sum_columns(
        prediction.rows(), prediction.columns(),
        [&](isize n, isize first, isize last) {
            const S* const goal = target.column(n) + first;
            return squared_error<S>(last - first, prediction.column(n) + first, 1, goal, 0, nullptr, 0, nullptr);
        },
        [&](isize n, double sum) { errors[n] = weight_of(n) * sum; });
}

}  // namespace ddpm::kernels::detail
