// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/philox_normal.hpp>

#include <cstdint>
#include <type_traits>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/dropout.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(dropout)

namespace ddpm::kernels::detail {

/// out = factor · x if the random word of the element is at least `threshold`, else 0; out may be x. Column n uses the
/// words of sample at.sample + n, in the order of elements that random/noise.hpp defines.
/// @shape x and out D × N, D ≤ 2³⁴
/// @determinism the same bits on every instruction set
template <Scalar S>
void dropout(const normal_address& at, std::uint32_t threshold, std::type_identity_t<S> factor,
             batch_view<const std::type_identity_t<S>> x, batch_view<S> out) {
    const auto body = DDPM_DISPATCH(dropout<S>);
    static_assert(block_elements % 64 == 0);
    for_each_tile(out.rows(), out.columns(), [&](isize n, isize count, isize first, isize last) {
        body(at.later(n), threshold, factor, x.column(n) + first, x.stride(), out.column(n) + first, out.stride(),
             count, first, last - first);
    });
}

}  // namespace ddpm::kernels::detail
