// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/instances.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/target.hpp>

// What foreach_target.hpp needs to compile kernel bodies, and DDPM_DISPATCH to call them. foreach_target.hpp explains
// how to add a kernel.

#define DDPM_INLINE inline __attribute__((always_inline))
#define DDPM_PRAGMA(...) _Pragma(#__VA_ARGS__)

// DDPM_BEGIN_BODY: from here on products and sums are not contracted to fused multiply-adds. DDPM_PUSH_TARGET: from
// here on functions are compiled for exactly this instruction set. In Clang, arch=x86-64 alone would keep the
// extensions that -march=native names, so the list takes them away one by one. In GCC, tune=generic keeps -march=native
// from changing the order of instructions, which would make kernels slower.
#if !defined(__clang__)
#define DDPM_UNROLL _Pragma("GCC unroll 64")
#define DDPM_BEGIN_BODY() _Pragma("GCC push_options") _Pragma("GCC optimize(\"fp-contract=off\")")
#define DDPM_END_BODY() _Pragma("GCC pop_options")
#define DDPM_PUSH_TARGET(flags) DDPM_PRAGMA(GCC target(flags))
#define DDPM_POP_TARGET()
#define DDPM_EXACT_X86_64 "arch=x86-64,tune=generic"
#define DDPM_EXACT_AVX2 "arch=x86-64,tune=generic,avx2,fma"
#define DDPM_EXACT_AVX512 "arch=x86-64,tune=generic,avx2,fma,avx512f,avx512vl,avx512dq,avx512bw"
#define DDPM_EXACT_AVX512_BF16 DDPM_EXACT_AVX512 ",avx512bf16"
#define DDPM_EXACT_AMX DDPM_EXACT_AVX512_BF16 ",amx-tile,amx-bf16"
#define DDPM_EXACT_ARMV8 "arch=armv8-a"
#else
#define DDPM_UNROLL _Pragma("clang loop unroll(full)")
#define DDPM_BEGIN_BODY() _Pragma("float_control(push)") _Pragma("clang fp contract(off)")
#define DDPM_END_BODY() _Pragma("float_control(pop)")
#if defined(__x86_64__)
#define DDPM_PUSH_TARGET(flags) DDPM_PRAGMA(clang attribute push(__attribute__((target(flags))), apply_to = function))
#define DDPM_POP_TARGET() _Pragma("clang attribute pop")
#define DDPM_EXACT_X86_64 \
    "arch=x86-64,no-sse3,no-avx,no-popcnt,no-lzcnt,no-bmi,no-bmi2,no-tbm,no-movbe,no-adx,no-gfni,no-f16c"
#define DDPM_EXACT_AVX2 DDPM_EXACT_X86_64 ",avx2,fma"
#if __clang_major__ >= 18 && __clang_major__ <= 20
#define DDPM_EXACT_AVX512 DDPM_EXACT_AVX2 ",avx512f,avx512vl,avx512dq,avx512bw,evex512"
#else
#define DDPM_EXACT_AVX512 DDPM_EXACT_AVX2 ",avx512f,avx512vl,avx512dq,avx512bw"
#endif
#define DDPM_EXACT_AVX512_BF16 DDPM_EXACT_AVX512 ",avx512bf16"
#define DDPM_EXACT_AMX DDPM_EXACT_AVX512_BF16 ",amx-tile,amx-bf16"
#else
#define DDPM_PUSH_TARGET(flags)
#define DDPM_POP_TARGET()
#endif
#endif

/// A pointer to a body's function (with its template arguments), in its version for the active instruction set.
#if defined(__x86_64__)
#define DDPM_DISPATCH(...)                                                      \
    (::ddpm::kernels::detail::pick(&::ddpm::kernels::detail::sse2::__VA_ARGS__, \
                                   &::ddpm::kernels::detail::avx2::__VA_ARGS__, \
                                   &::ddpm::kernels::detail::avx512::__VA_ARGS__))
#elif defined(__aarch64__)
#define DDPM_DISPATCH(...)                                                          \
    (::ddpm::kernels::detail::pick(&::ddpm::kernels::detail::portable::__VA_ARGS__, \
                                   &::ddpm::kernels::detail::neon::__VA_ARGS__))
#else
#define DDPM_DISPATCH(...) (::ddpm::kernels::detail::pick(&::ddpm::kernels::detail::portable::__VA_ARGS__))
#endif

/// Explicit instances of a body's function, such as adam<float>, for every instruction set: see
/// core/detail/instances.hpp.
#if !defined(DDPM_INSTANCE_OF)
#define DDPM_KERNEL_INSTANCE(...)
#elif defined(__x86_64__)
#define DDPM_KERNEL_INSTANCE(...)             \
    namespace ddpm::kernels::detail::sse2 {   \
    DDPM_INSTANCE(__VA_ARGS__)                \
    }                                         \
    namespace ddpm::kernels::detail::avx2 {   \
    DDPM_INSTANCE(__VA_ARGS__)                \
    }                                         \
    namespace ddpm::kernels::detail::avx512 { \
    DDPM_INSTANCE(__VA_ARGS__)                \
    }
#elif defined(__aarch64__)
#define DDPM_KERNEL_INSTANCE(...)               \
    namespace ddpm::kernels::detail::portable { \
    DDPM_INSTANCE(__VA_ARGS__)                  \
    }                                           \
    namespace ddpm::kernels::detail::neon {     \
    DDPM_INSTANCE(__VA_ARGS__)                  \
    }
#else
#define DDPM_KERNEL_INSTANCE(...)               \
    namespace ddpm::kernels::detail::portable { \
    DDPM_INSTANCE(__VA_ARGS__)                  \
    }
#endif

/// name<float> and name<double>; name<argument, float> and name<argument, double>.
#define DDPM_KERNEL_INSTANCES(name) DDPM_KERNEL_INSTANCE(name<float>) DDPM_KERNEL_INSTANCE(name<double>)
#define DDPM_KERNEL_INSTANCES_OF(name, argument) \
    DDPM_KERNEL_INSTANCE(name<argument, float>) DDPM_KERNEL_INSTANCE(name<argument, double>)

namespace ddpm::kernels::detail {

/// The function for the active instruction set; the versions are in the order of DDPM_DISPATCH.
template <class Function, class... Faster>
[[nodiscard]] Function* pick(Function* baseline, Faster*... faster) {
    Function* const versions[] = {baseline, faster...};
    const instruction_set active = simd_target();  // throws if DDPM_SIMD is wrong
    const bool second = active == instruction_set::avx2 || active == instruction_set::neon;
    return versions[active == instruction_set::baseline ? 0 : second ? 1 : 2];
}

}  // namespace ddpm::kernels::detail
