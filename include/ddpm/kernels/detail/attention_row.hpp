// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/exp.hpp>
#include <ddpm/kernels/detail/softmax.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/attention_row.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels::detail {

// Rows of the attention of inference. They run on the calling thread.

/// shares = softmax(scale · scores), rounded to what T can hold; the scores are overwritten.
/// @shape scores, shares size, size ≥ 1
template <class T, class X>
void find_shares(isize size, float scale, float* scores, X* shares) {
    DDPM_DISPATCH(find_shares<T, X>)(size, scale, scores, shares);
}

/// pairs[2 i] = even[i] and pairs[2 i + 1] = odd[i].
inline void interleave(isize size, const bfloat16* even, const bfloat16* odd, bfloat16* pairs) {
    DDPM_DISPATCH(interleave<bfloat16>)(size, even, odd, pairs);
}

}  // namespace ddpm::kernels::detail
