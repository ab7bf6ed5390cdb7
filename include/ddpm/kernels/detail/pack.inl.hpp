// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): packs, which hold as many numbers as a vector register.
//
// pack<T> is a compiler vector: + − * / & | ^ ~ << >> and comparisons work on all lanes, and so does an operand that is one
// T; comparing gives a mask, all bits of a lane set or none, of the integer type of T's size. Signed lanes must not
// overflow. Below stands what the compilers do not find by themselves.

template <class T>
struct vector_of {
    typedef T type __attribute__((vector_size(DDPM_TARGET_BYTES)));
};

template <class T>
using pack = typename vector_of<T>::type;

/// How many T a pack holds.
template <class T>
inline constexpr index lanes = DDPM_TARGET_BYTES / static_cast<index>(sizeof(T));

/// The pack at p, of any alignment.
template <class T>
DDPM_INLINE pack<T> load(const T* p) {
    pack<T> v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

template <class T>
DDPM_INLINE void store(T* p, pack<T> v) {
    __builtin_memcpy(p, &v, sizeof v);
}

/// The first count < lanes<T> elements at p, then zeros.
template <class T>
DDPM_INLINE pack<T> load_first(const T* p, index count) {
    pack<T> v{};
    __builtin_memcpy(&v, p, static_cast<decltype(sizeof 0)>(count) * sizeof(T));
    return v;
}

template <class T>
DDPM_INLINE void store_first(T* p, pack<T> v, index count) {
    __builtin_memcpy(p, &v, static_cast<decltype(sizeof 0)>(count) * sizeof(T));
}

/// x in every lane.
template <class T>
DDPM_INLINE pack<T> splat(T x) {
    return x - pack<T>{};  // minus keeps the sign of −0
}

/// The same bits, read as T.
template <class T, class V>
DDPM_INLINE pack<T> as(V v) {
    return (pack<T>)v;
}

/// Each lane's value as a T of the same size; floating to integer truncates.
template <class T, class V>
DDPM_INLINE pack<T> convert(V v) {
    return __builtin_convertvector(v, pack<T>);
}

/// a where the mask is set, else b.
template <class M, class V>
DDPM_INLINE V select(M mask, V a, V b) {
    return mask ? a : b;
}

DDPM_INLINE pack<float> abs(pack<float> x) { return as<float>(as<std::uint32_t>(x) & 0x7fffffffu); }
DDPM_INLINE pack<double> abs(pack<double> x) { return as<double>(as<std::uint64_t>(x) & std::uint64_t{0x7fffffffffffffff}); }

/// a < b ? a : b in each lane, so b if either is NaN.
template <class V>
DDPM_INLINE V min(V a, V b) {
    return a < b ? a : b;
}

/// a > b ? a : b in each lane, so b if either is NaN.
template <class V>
DDPM_INLINE V max(V a, V b) {
    return a > b ? a : b;
}

// Each target has for float and double:
//   multiply_add(a, b, c)   a·b + c, rounded once where has_fused_multiply_add, else after each operation
//   sqrt(x)                 correctly rounded
//   round_even(x)           to the nearest integer, halves to the even one
// and multiply_even(a, b): the 64-bit products of the 32-bit lanes 0, 2, 4, …
#if defined(DDPM_TARGET_AVX512)
#include <ddpm/kernels/detail/pack_avx512.inl.hpp>
#elif defined(DDPM_TARGET_AVX2)
#include <ddpm/kernels/detail/pack_avx2.inl.hpp>
#elif defined(DDPM_TARGET_NEON)
#include <ddpm/kernels/detail/pack_neon.inl.hpp>
#else
#include <ddpm/kernels/detail/pack_baseline.inl.hpp>
#endif
