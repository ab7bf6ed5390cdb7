// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/native_bfloat16.hpp>

namespace ddpm::kernels::detail {

/// Channels of a row of pixels as a layer's products read them: f(a·x + b) with one a and b for each channel, rounded to
/// what T and X can hold. Channel c of pixel p comes to k / chunk · to_chunk + p · to_pixel + k % chunk with k = c + first.
template <class T, class X>
struct pixel_problem {
    const T* from;  // pixel p at p · from_pixel
    isize from_pixel;
    isize pixels;
    isize channels;
    const float* a;  // null: x as it is
    const float* b;
    X* to;
    isize first, chunk, to_chunk, to_pixel;
    isize copies;  // of each pixel, one after another
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/read_pixels.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

#if defined(__x86_64__)
DDPM_BEGIN_NATIVE_BODY()
namespace ddpm::kernels::detail::avx512::native {
#include <ddpm/kernels/detail/read_pixels.inl.hpp>
}
DDPM_END_NATIVE_BODY()
#endif

namespace ddpm::kernels::detail {

/// @determinism where the processor rounds to bfloat16 itself, numbers below 2^-126 become 0
template <class T, class X>
void read_pixels(const pixel_problem<T, X>& problem, activation f) {
    const bool copies = problem.a == nullptr && f == activation::none;
#if defined(__x86_64__)
    if constexpr (sizeof(X) == 2) {
        if (rounds_natively()) {
            const auto body = copies ? &avx512::native::copy_pixels<T, X> : with_activation(f, [](auto chosen) {
                return &avx512::native::activate_pixels<decltype(chosen)::value, T, X>;
            });
            body(problem);
            return;
        }
    }
#endif
    const auto body = copies ? DDPM_DISPATCH(copy_pixels<T, X>) : with_activation(f, [](auto chosen) {
        return DDPM_DISPATCH(activate_pixels<decltype(chosen)::value, T, X>);
    });
    body(problem);
}

}  // namespace ddpm::kernels::detail
