// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/nn/detail/check.hpp>

#include <algorithm>
#include <type_traits>

namespace ddpm::nn::detail {

/// to = from; a single column is copied to all columns.
/// @throws shape_error if the shapes differ otherwise
template <Scalar S>
void copy_columns(batch_view<const S> from, batch_view<S> to) {
    require_batch("copy of a layer's batch", "destination", to, from.rows(),
                  from.columns() == 1 ? to.columns() : from.columns());
    if (from.data() == to.data()) {
        return;
    }
    kernels::for_each_block(to.rows(), to.columns(), [&](isize n, isize first, isize last) {
        std::copy_n(from.column(from.columns() == 1 ? 0 : n) + first, last - first, to.column(n) + first);
    });
}

/// to += from.
/// @throws shape_error if the shapes differ
template <Scalar S>
void add(batch_view<const S> from, batch_view<S> to) {
    require_batch("sum of a layer's batches", "sum", to, from.rows(), from.columns());
    kernels::for_each_alike(
        [&](isize n, isize first, isize last) {
            S* const column = to.column(n) + first;
            kernels::linear_combination(last - first, {S{1}, S{1}}, {column, from.column(n) + first}, column);
        },
        to, from);
}

/// to = factor · from.
/// @throws shape_error if the shapes differ
template <Scalar S>
void multiply(batch_view<const S> from, std::type_identity_t<S> factor, batch_view<S> to) {
    require_batch("multiple of a layer's batch", "destination", to, from.rows(), from.columns());
    kernels::for_each_alike(
        [&](isize n, isize first, isize last) {
            kernels::linear_combination(last - first, {factor}, {from.column(n) + first}, to.column(n) + first);
        },
        to, from);
}

/// x *= factor.
template <Scalar S>
void multiply(batch_view<S> x, std::type_identity_t<S> factor) {
    multiply<S>(x, factor, x);
}

}  // namespace ddpm::nn::detail
