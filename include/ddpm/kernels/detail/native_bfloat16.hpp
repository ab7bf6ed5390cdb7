// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/target.hpp>

// Bodies that are compiled once more, in the namespace avx512::native, where bfloat16 is rounded by an instruction.

#if defined(__x86_64__)

#define DDPM_BEGIN_NATIVE_BODY() \
    DDPM_BEGIN_BODY()            \
    DDPM_PUSH_TARGET(DDPM_EXACT_AVX512_BF16)
#define DDPM_END_NATIVE_BODY() \
    DDPM_POP_TARGET()          \
    DDPM_END_BODY()

DDPM_BEGIN_NATIVE_BODY()
namespace ddpm::kernels::detail::avx512::native {

/// As avx512::store_as, but numbers below 2^-126 become 0.
template <class T>
DDPM_INLINE pack<float> store_as(bfloat16* p, pack<float> x, isize count) {
    halves_of::type v;
    asm("vcvtneps2bf16 %1, %0" : "=v"(v) : "v"(x));
    if (count == lanes<float>) {
        __builtin_memcpy(p, &v, sizeof v);
    } else {
        __builtin_memcpy(p, &v, static_cast<decltype(sizeof 0)>(count) * sizeof(bfloat16));
    }
    return as<float>(widen(v) << 16);
}

}  // namespace ddpm::kernels::detail::avx512::native
DDPM_END_NATIVE_BODY()

namespace ddpm::kernels::detail {

/// Whether kernels run in their native version.
[[nodiscard]] inline bool rounds_natively() {
    const instruction_set active = simd_target();
    return active == instruction_set::avx512_bf16 || active == instruction_set::amx;
}

}  // namespace ddpm::kernels::detail

#endif
