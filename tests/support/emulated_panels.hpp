// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/pair_panels.hpp>

#include "support/emulated_tiles.hpp"

#if defined(__x86_64__)

// The panels that the library packs where the processor has AVX512_BF16, compiled here for every machine.
#define DDPM_TARGET_BYTES 16
#define DDPM_TARGET_SSE2
DDPM_BEGIN_BODY()
DDPM_PUSH_TARGET(DDPM_EXACT_X86_64)
namespace ddpm::kernels::detail::sse2 {
#include <ddpm/kernels/detail/pair_panels.inl.hpp>
}  // namespace ddpm::kernels::detail::sse2
DDPM_POP_TARGET()
DDPM_END_BODY()
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_SSE2

namespace ddpm::test {

/// What kernels::detail::native_panels does, multiplied by emulated tiles.
struct emulated_panels {
    static void pack_left(bfloat16* out, kernels::detail::strided<float> a, isize rows, isize depth) {
        kernels::detail::sse2::pack_left(out, a, rows, depth);
    }
    static void pack_right(bfloat16* out, kernels::detail::strided<float> b, isize columns, isize depth,
                           isize room_for) {
        kernels::detail::sse2::pack_right(out, b, columns, depth, room_for);
    }
    static void multiply(const packed_problem<bfloat16>& problem) { tile_product<emulated_tiles>(problem); }
    static void transpose_pixels(const float* const* from, isize channel, isize channels, isize pixels, bfloat16* out,
                                 isize row) {
        kernels::detail::sse2::transpose_pixels(from, channel, channels, pixels, out, row);
    }
    static void pair_pixels(const float* const* from, isize channel, isize channels, isize pixels, bfloat16* out,
                            bfloat16* later) {
        kernels::detail::sse2::pair_pixels_of(from, channel, channels, pixels, out, later);
    }
    static void add_transposed(const float* sums, isize rows, isize columns, float* c, isize c_column) {
        kernels::detail::sse2::add_transposed(sums, rows, columns, c, c_column);
    }
    static void store_sums(const float* sums, isize rows, isize columns, const float* bias, bool add, float* c,
                           isize c_column) {
        kernels::detail::sse2::store_sums(sums, rows, columns, bias, add, c, c_column);
    }
};

}  // namespace ddpm::test

#endif
