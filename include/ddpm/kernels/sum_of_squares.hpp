// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/detail/wide.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/sum_of_squares.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(sum_of_squares)

namespace ddpm::kernels {

/// Σ x² in double: sixteen partial sums, one per element index modulo 16, which are then added in order.
/// @determinism the same bits on every instruction set
/// @accuracy at most size / 16 + 16 roundings (2⁻⁵³) of it, unless a square underflows
template <Scalar S>
[[nodiscard]] double sum_of_squares(isize size, const S* x) {
    return DDPM_DISPATCH(sum_of_squares<S>)(size, x);
}

}  // namespace ddpm::kernels
