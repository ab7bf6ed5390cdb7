// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>

#include <algorithm>
#include <limits>
#include <string_view>
#include <type_traits>

namespace ddpm {

namespace detail {

/// @throws shape_error unless `both` has twice the prediction's rows, the rows are whole pixels, and the head has the
/// prediction's shape or is empty
template <class A, class B, class C>
void require_heads(std::string_view where, isize channels, batch_view<A> both, batch_view<B> prediction,
                   batch_view<C> head) {
    if (both.rows() != 2 * prediction.rows() || both.columns() != prediction.columns()) {
        throw shape_error(where, "output with a variance head",
                          text(2 * prediction.rows(), " x ", prediction.columns()),
                          text(both.rows(), " x ", both.columns()));
    }
    if (head.size() != 0) {
        require_same_shape(where, "head has the shape of the prediction", prediction, head);
    }
    if (channels < 1 || prediction.rows() % channels != 0) {
        throw shape_error(where, "channels", text("a divisor of ", prediction.rows()), channels);
    }
}

/// Calls body(n, i) for the first element i of each pixel of each column n.
template <class Body>
void for_each_pixel(isize rows, isize columns, isize channels, const Body& body) {
    parallel_for(columns, kernels::columns_per_task(rows), [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            for (isize i = 0; i < rows; i += channels) {
                body(n, i);
            }
        }
    });
}

}  // namespace detail

/// Fills a variance head with NaN before a predictor is called, so that the values of an earlier call are not used where
/// the predictor writes none.
/// @shape head D × N, or empty if it is not needed
/// @accuracy exact
template <Scalar S>
void clear_head(batch_view<S> head) {
    if (head.size() != 0) {
        head.array() = std::numeric_limits<S>::quiet_NaN();
    }
}

/// Checks a variance head that clear_head has filled before the predictor was called.
/// @shape head D × N, or empty if it is not needed; prediction D × N
/// @throws value_error if the head is not written at an element whose prediction is a number
/// @accuracy exact
template <Scalar S>
void require_written_head(std::string_view where, batch_view<S> head,
                          std::type_identity_t<batch_view<const S>> prediction) {
    if (head.size() != 0 && (head.array().isNaN() && !prediction.array().isNaN()).any()) {
        throw value_error(where, "variance head, which the reverse variance uses", "a value for each element",
                          "none from the predictor");
    }
}

/// Splits a network's output into prediction and variance head; at each pixel the prediction's channels come first.
/// @shape both 2D × N; prediction D × N; head D × N, or empty if it is not needed
/// @throws shape_error if the shapes do not fit, or D is no multiple of the channels
/// @accuracy exact
template <Scalar S>
void split_variance_head(batch_view<const std::type_identity_t<S>> both, isize channels, batch_view<S> prediction,
                         std::type_identity_t<batch_view<S>> head) {
    detail::require_heads("split_variance_head", channels, both, prediction, head);
    detail::for_each_pixel(prediction.rows(), prediction.columns(), channels, [&](isize n, isize i) {
        const S* const from = both.column(n) + 2 * i;
        std::copy_n(from, channels, prediction.column(n) + i);
        if (head.size() != 0) {
            std::copy_n(from + channels, channels, head.column(n) + i);
        }
    });
}

/// The inverse for gradients: joins those of the prediction and the head to the gradient of the network's output.
/// @shape prediction D × N; head D × N, or empty for zeros; both 2D × N
/// @throws shape_error if the shapes do not fit, or D is no multiple of the channels
/// @accuracy exact
template <Scalar S>
void join_variance_head(std::type_identity_t<batch_view<const S>> prediction,
                        std::type_identity_t<batch_view<const S>> head, isize channels, batch_view<S> both) {
    detail::require_heads("join_variance_head", channels, both, prediction, head);
    detail::for_each_pixel(prediction.rows(), prediction.columns(), channels, [&](isize n, isize i) {
        S* const to = both.column(n) + 2 * i;
        std::copy_n(prediction.column(n) + i, channels, to);
        if (head.size() != 0) {
            std::copy_n(head.column(n) + i, channels, to + channels);
        } else {
            std::fill_n(to + channels, channels, S{0});
        }
    });
}

}  // namespace ddpm
