// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/detail/wide.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/inner_product.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(inner_product)

namespace ddpm::kernels::detail {

/// Σ x · y in double: sixteen partial sums, one per element index modulo 16, which are then added in order.
/// @determinism the same bits on every instruction set
template <Scalar S>
[[nodiscard]] double inner_product(isize size, const S* x, const S* y) {
    return DDPM_DISPATCH(inner_product<S>)(size, x, y);
}

/// Calls take(n, sum) with the inner product of each column n of x and y.
/// @shape x and y D × N
/// @accuracy as above for each block of a column; the sums of blocks are added in a fixed order
/// @determinism the same bits on every instruction set and for every thread count
template <Scalar S, class Take>
void column_inner_products(batch_view<const S> x, batch_view<const S> y, Take&& take) {
    sum_columns(
        x.rows(), x.columns(),
        [&](isize n, isize first, isize last) {
            return inner_product(last - first, x.column(n) + first, y.column(n) + first);
        },
        take);
}

}  // namespace ddpm::kernels::detail
