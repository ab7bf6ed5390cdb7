// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/native_bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/product_problem.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#if defined(__x86_64__)

DDPM_BEGIN_NATIVE_BODY()
namespace ddpm::kernels::detail::avx512::native {
#define DDPM_TARGET_NATIVE_BFLOAT16
#include <ddpm/kernels/detail/pair_panels.inl.hpp>
#undef DDPM_TARGET_NATIVE_BFLOAT16
DDPM_INSTANCE(pack_left<float>)
DDPM_INSTANCE(pack_right<float>)
DDPM_INSTANCE(store_sums<float>)
DDPM_INSTANCE(transpose_pixels<float>)
DDPM_INSTANCE(pair_pixels_of<float>)
DDPM_INSTANCE(add_transposed<float>)
}  // namespace ddpm::kernels::detail::avx512::native
DDPM_END_NATIVE_BODY()

#endif

namespace ddpm::kernels::detail {

#if defined(__x86_64__)

/// Panels of a processor that multiplies pairs of bfloat16.
struct native_panels {
    static void pack_left(bfloat16* out, strided<float> a, isize rows, isize depth) {
        avx512::native::pack_left(out, a, rows, depth);
    }
    static void pack_right(bfloat16* out, strided<float> b, isize columns, isize depth, isize room_for) {
        avx512::native::pack_right(out, b, columns, depth, room_for);
    }
    static void multiply(const packed_problem<bfloat16>& problem) { packed_product_body<bfloat16>()(problem); }
    static void transpose_pixels(const float* const* from, isize channel, isize channels, isize pixels, bfloat16* out,
                                 isize row) {
        avx512::native::transpose_pixels(from, channel, channels, pixels, out, row);
    }
    static void pair_pixels(const float* const* from, isize channel, isize channels, isize pixels, bfloat16* out,
                            bfloat16* later) {
        avx512::native::pair_pixels_of(from, channel, channels, pixels, out, later);
    }
    static void add_transposed(const float* sums, isize rows, isize columns, float* c, isize c_column) {
        avx512::native::add_transposed(sums, rows, columns, c, c_column);
    }
    static void store_sums(const float* sums, isize rows, isize columns, const float* bias, bool add, float* c,
                           isize c_column) {
        avx512::native::store_sums(sums, rows, columns, bias, add, c, c_column);
    }
};

#endif

}  // namespace ddpm::kernels::detail
