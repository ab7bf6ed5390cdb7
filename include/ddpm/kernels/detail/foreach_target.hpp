// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Compiles one kernel body for every instruction set. HOW TO ADD A KERNEL `scale`, x ← a·x:
//
// 1. The body, include/ddpm/kernels/detail/scale.inl.hpp: functions that are `inline` or templates, with no include
//    guard, no #include and no namespace around them (they are put into one per instruction set). See pack.inl.hpp for
//    `pack`.
//
//        template <class S>
//        struct scaled {
//            S a;
//            DDPM_INLINE pack<S> operator()(pack<S> x) const { return a * x; }
//        };
//        template <class S>
//        void scale(isize size, S a, S* x) {
//            transform(size, scaled<S>{a}, x, x);
//        }
//
// 2. The header, include/ddpm/kernels/scale.hpp, or in kernels/detail/ if one layer of the library uses the kernel: compile
//    the body, then call the one that fits the machine.
//
//        #pragma once
//        #include <ddpm/kernels/detail/dispatch.hpp>
//        #include <ddpm/kernels/detail/pack.hpp>
//        #define DDPM_KERNEL_BODY <ddpm/kernels/detail/scale.inl.hpp>
//        #include <ddpm/kernels/detail/foreach_target.hpp>
//        namespace ddpm::kernels {
//        template <Scalar S>
//        void scale(S a, batch_view<S> x) {
//            const auto body = DDPM_DISPATCH(scale<S>);  // a pointer to the function; call it inside parallel_for too
//            …
//        }
//        }
//
// 3. The test, tests/kernels/scale.cpp or in detail/: `for (auto set : all_instruction_sets) if (is_supported(set))
//    { detail::scoped_simd_target on(set); … }` against a scalar reference.
//
// A body that other bodies use (say exp) gets a header as pack.hpp is: #pragma once, then the two lines of step 2.
//
// What a body has, in pack.inl.hpp unless another file is named (a pack is a compiler vector, with + − * / & | ^ ~ << >>,
// comparisons, and v[i]):
// - pack<T>, lanes<T>; load, store, load_first, store_first, whole<Count>; splat, as<T>, convert<T>
// - transform(size, f, out, x…), function<f>
// - select, min, max, abs, sign_of, with_sign_of, float_format<T>
// - multiply_add, sqrt, round_even, multiply_even, times_power_of_two, has_fused_multiply_add
// - exp, exp_bounded_above, sigmoid, tanh (exp.inl.hpp); log (log.inl.hpp); sincos (sincos.inl.hpp); rsqrt
//   (elementary.inl.hpp)
// - narrow<S>, load_narrow, load_wide, where_weighted, sixteen_sums, add_squares, total (wide.inl.hpp): sums in double
// - put, end_stream, elements_to_line, fetch_elements, block_reads (stream.inl.hpp): memory that no cache holds
// - make_philox_keys, make_philox_sample (normal.inl.hpp), put_normals (philox_normal.inl.hpp): standard normals
//
// What a body compiles to is paid by every program, once for each instruction set: ask at run time, between loops over a
// block in the first cache, what a template parameter would ask; let long parts be functions that are not inlined; unroll
// what must stay in registers, no more.
//
// Rules for bodies:
// - Raw pointers, built-in types, pack and constexpr only. Nothing from std or Eigen: an inline function of theirs
//   would be compiled for this instruction set, and the linker might pick that copy for the whole program.
// - No lambdas: GCC compiles them for the instruction set of the build. Structs without constructors and without
//   default member initializers, begun as `{}`: Clang compiles implicit constructors so. No static variables.
// - Small helpers are DDPM_INLINE. GCC at -O2 unrolls only what `DDPM_UNROLL` stands before.
// - Products and sums are never contracted to a fused multiply-add, unless Clang is told -ffp-contract=fast; say multiply_add
//   where you want one.
// - In a template, a function of packs must be declared before its use: a pack has no namespace to look into.
//
// Macros that a body sees: DDPM_TARGET_NAMESPACE, DDPM_TARGET_BYTES (of a register), and one of DDPM_TARGET_SSE2,
// _AVX2, _AVX512, _NEON, _PORTABLE, defined.
//
// Every target is exact, with nothing added from the flags of the build (arch=x86-64 clears them in GCC, the no-… list
// in Clang): equal symbols are equal code, so that translation units with different -march flags link safely. For the
// same reason bodies cannot use GCC's intrinsics headers, which are compiled with the flags of the build. tune=generic
// keeps GCC from scheduling otherwise, and slower, under -march=native.

#ifndef DDPM_KERNEL_BODY
#error "define DDPM_KERNEL_BODY before including foreach_target.hpp"
#endif

#if defined(__x86_64__)

#define DDPM_TARGET_NAMESPACE sse2
#define DDPM_TARGET_BYTES 16
#define DDPM_TARGET_SSE2
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target(DDPM_EXACT_X86_64))), apply_to = function)
#pragma float_control(push)
#pragma clang fp contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("arch=x86-64,tune=generic")
#endif
namespace ddpm::kernels::detail::sse2 {
#include DDPM_KERNEL_BODY
}
#if defined(__clang__)
#pragma float_control(pop)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef DDPM_TARGET_NAMESPACE
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_SSE2

#define DDPM_TARGET_NAMESPACE avx2
#define DDPM_TARGET_BYTES 32
#define DDPM_TARGET_AVX2
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target(DDPM_EXACT_X86_64 ",avx2,fma"))), apply_to = function)
#pragma float_control(push)
#pragma clang fp contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("arch=x86-64,tune=generic,avx2,fma")
#endif
namespace ddpm::kernels::detail::avx2 {
#include DDPM_KERNEL_BODY
}
#if defined(__clang__)
#pragma float_control(pop)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef DDPM_TARGET_NAMESPACE
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_AVX2

#define DDPM_TARGET_NAMESPACE avx512
#define DDPM_TARGET_BYTES 64
#define DDPM_TARGET_AVX512
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target(DDPM_EXACT_AVX512))), apply_to = function)
#pragma float_control(push)
#pragma clang fp contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("arch=x86-64,tune=generic,avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")
#endif
namespace ddpm::kernels::detail::avx512 {
#include DDPM_KERNEL_BODY
}
#if defined(__clang__)
#pragma float_control(pop)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#undef DDPM_TARGET_NAMESPACE
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_AVX512

#else

#define DDPM_TARGET_NAMESPACE portable
#define DDPM_TARGET_BYTES 16
#define DDPM_TARGET_PORTABLE
#if defined(__clang__)
#pragma float_control(push)
#pragma clang fp contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#endif
namespace ddpm::kernels::detail::portable {
#include DDPM_KERNEL_BODY
}
#if defined(__clang__)
#pragma float_control(pop)
#else
#pragma GCC pop_options
#endif
#undef DDPM_TARGET_NAMESPACE
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_PORTABLE

#if defined(__aarch64__)
#define DDPM_TARGET_NAMESPACE neon
#define DDPM_TARGET_BYTES 16
#define DDPM_TARGET_NEON
#if defined(__clang__)
#pragma float_control(push)
#pragma clang fp contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#pragma GCC target("arch=armv8-a")
#endif
namespace ddpm::kernels::detail::neon {
#include DDPM_KERNEL_BODY
}
#if defined(__clang__)
#pragma float_control(pop)
#else
#pragma GCC pop_options
#endif
#undef DDPM_TARGET_NAMESPACE
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_NEON
#endif

#endif

#undef DDPM_KERNEL_BODY
