// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/pack.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/row_sums.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(add_row_sums)

namespace ddpm::kernels {

/// Number of rows per task when the rows of a D × N batch are split into tasks: enough for a block, in whole cache
/// lines.
[[nodiscard]] inline isize row_grain(isize columns) { return ddpm::detail::rounded_up(columns_per_task(columns), 16); }

/// sums(i) += Σ_n x(i, n), added in the order of the samples.
/// @shape x D × N; sums D
/// @determinism the same bits for every thread count and instruction set
/// @accuracy at most N roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |sums(i)| + Σ_n |x(i, n)|, with sums(i) as before
template <Scalar S>
void add_row_sums(batch_view<const S> x, S* sums) {
    const auto body = DDPM_DISPATCH(add_row_sums<S>);
    parallel_for(x.rows(), row_grain(x.columns()), [&](isize first, isize last) {
        body(last - first, x.columns(), x.data() + first, x.stride(), sums + first);
    });
}

}  // namespace ddpm::kernels
