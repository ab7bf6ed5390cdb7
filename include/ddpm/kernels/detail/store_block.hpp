// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/native_bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

#include <type_traits>

namespace ddpm::kernels::detail {

/// Results of a layer for a block of rows of pixels and at most 32 outputs: out = (sums + bias + added) · factor, rounded
/// to T.
template <class T>
struct store_problem {
    const float* sums;  // pixel p of row r at (r · sums_row + p) · 32
    isize rows, sums_row;
    isize pixels;  // of a row
    isize outputs;
    const float* bias;  // 32
    const T* added;     // may be null; laid out as `out`
    float factor;
    T* out;  // pixel p of row r at r · out_row + p · out_pixel; may be `added`
    isize out_pixel, out_row;
    float* moments;  // may be null; the mean of the results of each of 32 outputs, then Σ (result − mean)²
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/store_block.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

#if defined(__x86_64__)
DDPM_BEGIN_NATIVE_BODY()
namespace ddpm::kernels::detail::avx512::native {
#include <ddpm/kernels/detail/store_block.inl.hpp>
}
DDPM_END_NATIVE_BODY()
#endif

DDPM_KERNEL_INSTANCE(store_block<float>)
DDPM_KERNEL_INSTANCE(store_block<bfloat16>)

namespace ddpm::kernels::detail {

template <class T>
[[nodiscard]] auto store_block_body() -> void (*)(const store_problem<T>&) {
#if defined(__x86_64__)
    if constexpr (std::is_same_v<T, bfloat16>) {
        if (rounds_natively()) {
            return &avx512::native::store_block<T>;
        }
    }
#endif
    return DDPM_DISPATCH(store_block<T>);
}

}  // namespace ddpm::kernels::detail
