// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

namespace ddpm::kernels::detail {

/// Results of a layer for a block of pixels and at most 32 outputs: out = (sums + bias + added) · factor, rounded to T.
template <class T>
struct store_problem {
    float* sums;  // pixel p at p · 32; overwritten by the results
    isize pixels;
    isize outputs;
    const float* bias;  // 32
    const T* added;     // may be null; pixel p at p · added_pixel
    isize added_pixel;
    float factor;
    T* out;  // pixel p at p · out_pixel; may be `added`
    isize out_pixel;
    float* moments;  // may be null; the mean of the results of each of 32 outputs, then Σ (result − mean)²
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/store_block.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCE(store_block<float>)
DDPM_KERNEL_INSTANCE(store_block<bfloat16>)

namespace ddpm::kernels::detail {

template <class T>
[[nodiscard]] auto store_block_body() -> void (*)(const store_problem<T>&) {
    return DDPM_DISPATCH(store_block<T>);
}

}  // namespace ddpm::kernels::detail
