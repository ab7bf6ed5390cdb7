// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#include <array>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/linear_combination.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels {

/// out = a · x + b · y over `size` elements; out may be an input.
/// @determinism the same bits on every instruction set: products first, then sums from left to right
template <Scalar S>
void linear_combination(index size, S a, const S* x, S b, const S* y, S* out) {
    DDPM_DISPATCH(linear_combination<2, false, S>)(size, a, x, b, y, S{}, nullptr, S{}, nullptr, out);
}

/// out = a · x + b · y + c · z over `size` elements; out may be an input.
/// @determinism as for two
template <Scalar S>
void linear_combination(index size, S a, const S* x, S b, const S* y, S c, const S* z, S* out) {
    DDPM_DISPATCH(linear_combination<3, false, S>)(size, a, x, b, y, c, z, S{}, nullptr, out);
}

/// out = a · x + b · y + c · z + d · w over `size` elements; out may be an input.
/// @determinism as for two
template <Scalar S>
void linear_combination(index size, S a, const S* x, S b, const S* y, S c, const S* z, S d, const S* w, S* out) {
    DDPM_DISPATCH(linear_combination<4, false, S>)(size, a, x, b, y, c, z, d, w, out);
}

/// out(:, n) = a · x(:, n) + b · y(:, n) with {a, b} = factors_of(n), an array of two. `out` may be an input; if it is
/// not, and larger than the caches, it is written past them.
/// @shape x, y and out D × N
/// @determinism as for two
template <Scalar S, class FactorsOf>
void linear_combination(batch_view<const S> x, batch_view<const S> y, const FactorsOf& factors_of, batch_view<S> out) {
    const auto body = detail::should_stream(out, x, y) ? DDPM_DISPATCH(linear_combination<2, true, S>)
                                                       : DDPM_DISPATCH(linear_combination<2, false, S>);
    for_each_block(out.rows(), out.columns(), [&](index n, index first, index last) {
        const std::array<S, 2> factor = factors_of(n);
        body(last - first, factor[0], x.column(n) + first, factor[1], y.column(n) + first, S{}, nullptr, S{}, nullptr,
             out.column(n) + first);
    });
}

}  // namespace ddpm::kernels
