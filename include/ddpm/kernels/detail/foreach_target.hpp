// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// Compiles one kernel body for every instruction set. HOW TO ADD A KERNEL `scale`, x ← a·x:
//
// 1. The body, include/ddpm/kernels/detail/scale.inl.hpp: functions that are `inline` or templates, with no include
//    guard, no #include and no namespace around them (this file puts them into one namespace per instruction set).
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
// 2. The header, include/ddpm/kernels/scale.hpp, or in kernels/detail/ and the namespace ddpm::kernels::detail if only
//    one room of the library uses the kernel: it compiles the body and calls the version for the active instruction
//    set.
//
//        #pragma once
//        #include <ddpm/kernels/detail/dispatch.hpp>
//        #include <ddpm/kernels/detail/pack.hpp>
//        #define DDPM_KERNEL_BODY <ddpm/kernels/detail/scale.inl.hpp>
//        #include <ddpm/kernels/detail/foreach_target.hpp>
//        namespace ddpm::kernels {
//        template <Scalar S>
//        void scale(S a, batch_view<S> x) {
//            const auto body = DDPM_DISPATCH(scale<S>);  // a function pointer; it may be called inside parallel_for
//            …
//        }
//        }
//
// 3. The test, tests/kernels/scale.cpp or in detail/: `for (auto set : all_instruction_sets) if (is_supported(set))
//    { detail::scoped_simd_target on(set); … }` against a scalar reference.
//
// A body that other bodies use (such as exp) gets a header like pack.hpp: #pragma once, then the two lines of step 2.
//
// What a body can use. A pack is a vector register: a compiler vector with + − * / & | ^ ~ << >>, comparisons and v[i].
// All of these are in pack.inl.hpp unless another file is named:
// - pack<T>, lanes<T>; load, store, load_first, store_first, whole<Count>; splat, as<T>, convert<T>
// - transform(size, f, out, x…), function<f>
// - select, min, max, abs, sign_of, with_sign_of, float_format<T>
// - multiply_add, sqrt, multiply_even, times_power_of_two, has_fused_multiply_add
// - exp, exp_bounded_above, sigmoid, tanh (exp.inl.hpp); log (log.inl.hpp); sincos (sincos.inl.hpp); rsqrt
//   (elementary.inl.hpp)
// - narrow<S>, load_narrow, load_wide, where_weighted, sixteen_sums, add_squares, total (wide.inl.hpp): sums in double
// - put, end_stream, elements_to_line, fetch_elements, block_reads (stream.inl.hpp): streaming stores and prefetches
// - make_philox_keys, make_philox_sample (normal.inl.hpp), put_normals (philox_normal.inl.hpp): standard normals
//
// Every program compiles every body once for each instruction set, so keep bodies small. Where a template parameter
// would double the code, use a run-time `if` between loops over a block in the L1 cache. Do not inline long functions.
// Unroll only loops over arrays of packs, which must stay in registers.
//
// Rules for bodies:
// - Raw pointers, built-in types, pack and constexpr only. Nothing from std or Eigen: an inline function of theirs
//   would be compiled for this instruction set, and the linker might keep that copy for the whole program.
// - No lambdas: GCC compiles them for the instruction set of the build. No constructors and no default member
//   initializers in structs, which are initialized by `{}`: Clang compiles implicit constructors for the instruction
//   set of the build. No static variables.
// - Small helpers are DDPM_INLINE. GCC at -O2 unrolls only loops after DDPM_UNROLL.
// - The compiler never contracts a product and a sum to a fused multiply-add, unless Clang gets -ffp-contract=fast;
//   write multiply_add where you want one.
// - In a template, a function of packs must be declared before its use: argument-dependent lookup finds no namespace
//   for a pack.
//
// Macros that a body sees: DDPM_TARGET_BYTES (the size of a vector register), and one of DDPM_TARGET_SSE2, _AVX2,
// _AVX512, _NEON, defined, or none of them for the portable version.
//
// Each version is compiled for exactly its instruction set, whatever the flags of the build: see DDPM_PUSH_TARGET in
// dispatch.hpp. So functions with equal names have equal code, and translation units with different -march flags can be
// linked. For the same reason bodies cannot use GCC's intrinsics headers, which are compiled with the build's flags.

#ifndef DDPM_KERNEL_BODY
#error "define DDPM_KERNEL_BODY before including foreach_target.hpp"
#endif

#if defined(__x86_64__)

#define DDPM_TARGET_BYTES 16
#define DDPM_TARGET_SSE2
DDPM_BEGIN_BODY()
DDPM_PUSH_TARGET(DDPM_EXACT_X86_64)
namespace ddpm::kernels::detail::sse2 {
#include DDPM_KERNEL_BODY
}
DDPM_POP_TARGET()
DDPM_END_BODY()
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_SSE2

#define DDPM_TARGET_BYTES 32
#define DDPM_TARGET_AVX2
DDPM_BEGIN_BODY()
DDPM_PUSH_TARGET(DDPM_EXACT_AVX2)
namespace ddpm::kernels::detail::avx2 {
#include DDPM_KERNEL_BODY
}
DDPM_POP_TARGET()
DDPM_END_BODY()
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_AVX2

#define DDPM_TARGET_BYTES 64
#define DDPM_TARGET_AVX512
DDPM_BEGIN_BODY()
DDPM_PUSH_TARGET(DDPM_EXACT_AVX512)
namespace ddpm::kernels::detail::avx512 {
#include DDPM_KERNEL_BODY
}
DDPM_POP_TARGET()
DDPM_END_BODY()
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_AVX512

#else

#define DDPM_TARGET_BYTES 16
DDPM_BEGIN_BODY()
namespace ddpm::kernels::detail::portable {
#include DDPM_KERNEL_BODY
}
DDPM_END_BODY()
#undef DDPM_TARGET_BYTES

#if defined(__aarch64__)
#define DDPM_TARGET_BYTES 16
#define DDPM_TARGET_NEON
DDPM_BEGIN_BODY()
DDPM_PUSH_TARGET(DDPM_EXACT_ARMV8)
namespace ddpm::kernels::detail::neon {
#include DDPM_KERNEL_BODY
}
DDPM_POP_TARGET()
DDPM_END_BODY()
#undef DDPM_TARGET_BYTES
#undef DDPM_TARGET_NEON
#endif

#endif

#undef DDPM_KERNEL_BODY
