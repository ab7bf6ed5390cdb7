// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#include <type_traits>

namespace ddpm::kernels::detail {

/// Outputs of one packed problem.
inline constexpr isize packed_outputs = 32;

/// Elements of k that lie together for each output: a pair of bfloat16.
template <class W>
inline constexpr isize packed_step = sizeof(W) == 2 ? 2 : 1;

/// The number of pixels and the depth must be multiples of these.
inline constexpr isize packed_pixels = 4;
template <class W>
inline constexpr isize packed_depth = sizeof(W) == 2 ? 32 : 4;

/// Pixels after the last one that a product may read, and write to its sums, and more than enough room for them.
inline constexpr isize packed_beyond = 16;

/// Sums over the segments s of an input: sums(o, p) = Σ_s Σ_k w(o, s, k) · x[p · pixel + segments[s] + k], for 32
/// outputs o. With bfloat16 weights x is bfloat16 too, or float rounded to bfloat16: see takes_pairs(). x and sums have
/// room for packed_beyond more pixels.
template <class W>
struct packed_problem {
    const void* x;
    isize pixel;
    const isize* segments;
    isize segment_count;
    isize depth;       // of k in a segment
    const W* weights;  // segment, k, output; of bfloat16: segment, k / 2, output, k % 2
    float* sums;       // of pixel p at p · sums_pixel
    isize sums_pixel;
    isize pixels;
    bool add = false;  // to the sums that are there
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/packed_product.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCE(packed_product<float>)
DDPM_KERNEL_INSTANCE(packed_product<bfloat16>)

#if defined(__x86_64__)

#define DDPM_TARGET_BYTES 64
DDPM_BEGIN_BODY()
DDPM_PUSH_TARGET(DDPM_EXACT_AVX512_BF16)
namespace ddpm::kernels::detail::avx512 {
#include <ddpm/kernels/detail/packed_pairs.inl.hpp>
DDPM_INSTANCE(pairs_product<bfloat16>)
}  // namespace ddpm::kernels::detail::avx512
DDPM_POP_TARGET()
DDPM_END_BODY()
#undef DDPM_TARGET_BYTES

DDPM_BEGIN_BODY()
DDPM_PUSH_TARGET(DDPM_EXACT_AMX)
namespace ddpm::kernels::detail::amx {
#define DDPM_TARGET_AMX
#include <ddpm/kernels/detail/tile_product.inl.hpp>
#undef DDPM_TARGET_AMX
}  // namespace ddpm::kernels::detail::amx
DDPM_POP_TARGET()
DDPM_END_BODY()

#endif

namespace ddpm::kernels::detail {

/// Whether products of bfloat16 weights read pairs of bfloat16 on this instruction set; otherwise they read floats. Intel's
/// processors compute products of AVX512_BF16 more slowly than those of the same numbers as floats, which they do then.
[[nodiscard]] inline bool takes_pairs() {
    const instruction_set active = simd_target();
    return active == instruction_set::amx ||
           (active == instruction_set::avx512_bf16 && ddpm::detail::this_cpu().fast_pairs);
}

/// What a thread holds while it computes several packed problems, so that AMX's registers are configured once.
class packed_products_scope {
public:
    packed_products_scope() noexcept : tiles_(simd_target() == instruction_set::amx) {
#if defined(__x86_64__)
        if (tiles_) {
            amx::tiles::begin();
        }
#endif
    }
    ~packed_products_scope() {
#if defined(__x86_64__)
        if (tiles_) {
            amx::tiles::end();
        }
#endif
    }
    packed_products_scope(const packed_products_scope&) = delete;
    packed_products_scope& operator=(const packed_products_scope&) = delete;

private:
    bool tiles_;
};

/// The function that computes a packed problem.
/// @determinism a sum depends on its own pixel and output only, and is added in the order of s and k: one fused product
///     at a time, or of bfloat16 as the instruction set adds pairs
template <class W>
[[nodiscard]] auto packed_product_body() -> void (*)(const packed_problem<W>&) {
#if defined(__x86_64__)
    if constexpr (std::is_same_v<W, bfloat16>) {
        if (takes_pairs()) {
            return simd_target() == instruction_set::amx ? &amx::tile_product<amx::tiles> : &avx512::pairs_product<W>;
        }
    }
#endif
    return DDPM_DISPATCH(packed_product<W>);
}

}  // namespace ddpm::kernels::detail
