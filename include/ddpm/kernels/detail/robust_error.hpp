// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/squared_error.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/detail/wide.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/robust_error.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(robust_error)

namespace ddpm::kernels::detail {

/// A penalty of an error e: |e|, or Huber's: ½ e² for |e| ≤ limit, and limit · (|e| − ½ limit) for larger |e|.
enum class penalty { absolute, huber };

/// Σ penalty(e) with e = scale · (prediction − a · x − b · y) over `size` elements, and d_prediction = slope ·
/// penalty′(e), which may be the prediction, or null if not needed. The derivative of |e| at 0 is 0. x is not read
/// if a is 0, y not if b alone is 0. NaN and infinity propagate into the sum. Element weights are those of squared_error.
/// @accuracy errors are rounded to S, penalties and sums to double, weighted and added as squared_error does
/// @determinism the same bits on every instruction set
/// @complexity one pass over memory
template <Scalar S>
double robust_error(penalty kind, isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S limit,
                    S slope, S* d_prediction, const S* weight = nullptr, bool stream = false) {
    if (a == 0) {  // a single term comes first
        a = b;
        x = y;
        b = 0;
    }
    return DDPM_DISPATCH(robust_error<S>)(kind == penalty::huber, size, prediction, a, x, b, b == 0 ? nullptr : y,
                                          scale, limit, slope, d_prediction, weight, stream && weight == nullptr);
}

/// Coefficients of a column: it adds weight · Σ penalty(scale · (prediction − x · x(:, n) − y · y(:, n))); slope is the
/// factor of penalty′ in its gradient.
template <Scalar S>
struct robust_terms {
    S x;
    S y;
    double weight;
    S scale;
    S slope;
};

/// The sum of the penalties of all columns, with {x, y, weight, scale, slope} = terms_of(n), and their gradients. If
/// `errors` is not null, errors[n] is the sum of column n without its weight.
/// @shape prediction, x and y D × N; d_prediction and element_weight too, or empty; errors N
/// @accuracy as of squared_error
/// @determinism the same bits on every instruction set and for every thread count
template <Scalar S, class TermsOf>
double robust_error(penalty kind, S limit, batch_view<const S> prediction, batch_view<const S> x, batch_view<const S> y,
                    const TermsOf& terms_of, batch_view<S> d_prediction, double* errors = nullptr,
                    batch_view<const S> element_weight = {}) {
    const bool stream = should_stream(d_prediction, prediction, x, y);
    const auto part = [&](const robust_terms<S>& terms, isize n, isize first, isize last) {
        S* const d = d_prediction.size() == 0 ? nullptr : d_prediction.column(n) + first;
        const S* const weight = element_weight.size() == 0 ? nullptr : element_weight.column(n) + first;
        return robust_error(kind, last - first, prediction.column(n) + first, terms.x, x.column(n) + first, terms.y,
                            y.column(n) + first, terms.scale, limit, terms.slope, d, weight, stream);
    };
    return weighted_sum_over_columns(prediction.rows(), prediction.columns(), terms_of, part, errors);
}

}  // namespace ddpm::kernels::detail
