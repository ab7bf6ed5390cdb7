// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): packs, the values of one vector register.
//
// pack<T> is a compiler vector. The operators + − * / & | ^ ~ << >> and comparisons work lane by lane; one operand may
// be a single T. A comparison gives a mask of integers of T's size: in each lane all bits set or none. Signed lanes
// must not overflow. This file adds the operations that compilers do not generate from plain operators.

template <class T>
struct vector_of {
    typedef T type __attribute__((vector_size(DDPM_TARGET_BYTES)));
};

template <class T>
using pack = typename vector_of<T>::type;

/// The number of T in a pack.
template <class T>
inline constexpr isize lanes = DDPM_TARGET_BYTES / static_cast<isize>(sizeof(T));

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
DDPM_INLINE pack<T> load_first(const T* p, isize count) {
    pack<T> v{};
    __builtin_memcpy(&v, p, static_cast<decltype(sizeof 0)>(count) * sizeof(T));
    return v;
}

template <class T>
DDPM_INLINE void store_first(T* p, pack<T> v, isize count) {
    __builtin_memcpy(p, &v, static_cast<decltype(sizeof 0)>(count) * sizeof(T));
}

/// Pointer to Count elements: p itself if rest ≥ Count, otherwise `room`, filled with the `rest` elements at p and
/// zeros. So a loop over blocks needs no separate code for the remainder.
template <isize Count, class T>
DDPM_INLINE const T* whole(const T* p, isize rest, T* room) {
    if (rest >= Count) {
        return p;
    }
    for (isize i = 0; i < Count; ++i) {
        room[i] = i < rest ? p[i] : T{};
    }
    return room;
}

/// A function of packs as a function object.
template <auto Function>
struct function {
    template <class... V>
    DDPM_INLINE auto operator()(V... packs) const {
        return Function(packs...);
    }
};

/// out[i] = f(x[i] …) over `size` elements: a loop over whole packs, then the remainder elements in one partial pack. f
/// is a function<…> or, if it needs parameters, a struct with an operator() (bodies cannot use lambdas). out may be one
/// of the x.
template <class F, class R, class... T>
DDPM_INLINE void transform(isize size, const F& f, R* out, const T*... x) {
    isize i = 0;
    for (; i + lanes<R> <= size; i += lanes<R>) {
        store<R>(out + i, f(load(x + i)...));
    }
    if (i < size) {
        store_first<R>(out + i, f(load_first(x + i, size - i)...), size - i);
    }
}

/// x in every lane.
template <class T>
DDPM_INLINE pack<T> splat(T x) {
    return x - pack<T>{};  // a subtraction of +0 keeps the sign of −0
}

/// The same bits, read as T.
template <class T, class V>
DDPM_INLINE pack<T> as(V v) {
    return reinterpret_cast<pack<T>>(v);
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
DDPM_INLINE pack<double> abs(pack<double> x) {
    return as<double>(as<std::uint64_t>(x) & std::uint64_t{0x7fffffffffffffff});
}

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

/// The floating-point format of T, and constants for bit operations on it.
template <class T>
struct float_format;

template <>
struct float_format<float> {
    using bits = std::uint32_t;
    static constexpr int mantissa_bits = 23, bias = 127, sign_bit = 31;
    static constexpr bits one_bits = 0x3f800000u, mantissa_mask = 0x007fffffu, sign_mask = 0x80000000u;
    static constexpr bits two_to_mantissa_bits_bits = 0x4b000000u, whole_shift_bits = 0x4b400000u;
    static constexpr float two_to_mantissa_bits = 0x1p23f;
    static constexpr float whole_shift = 0x1.8p23f;  // the low bits of n + whole_shift are the integer n
    static constexpr float smallest_normal = 0x1p-126f;
    static constexpr float infinity = __builtin_inff(), quiet_nan = __builtin_nanf("");
};

template <>
struct float_format<double> {
    using bits = std::uint64_t;
    static constexpr int mantissa_bits = 52, bias = 1023, sign_bit = 63;
    static constexpr bits one_bits = 0x3ff0000000000000u, mantissa_mask = 0x000fffffffffffffu;
    static constexpr bits sign_mask = 0x8000000000000000u;
    static constexpr bits two_to_mantissa_bits_bits = 0x4330000000000000u, whole_shift_bits = 0x4338000000000000u;
    static constexpr double two_to_mantissa_bits = 0x1p52;
    static constexpr double whole_shift = 0x1.8p52;
    static constexpr double smallest_normal = 0x1p-1022;
    static constexpr double infinity = __builtin_inf(), quiet_nan = __builtin_nan("");
};

/// The sign bit of each lane of x, all other bits 0.
template <class T>
DDPM_INLINE pack<typename float_format<T>::bits> sign_of(pack<T> x) {
    return as<typename float_format<T>::bits>(x) & float_format<T>::sign_mask;
}

/// x with the sign of y; the sign bit of x must be 0.
template <class T>
DDPM_INLINE pack<T> with_sign_of(pack<T> x, pack<T> y) {
    return as<T>(as<typename float_format<T>::bits>(x) | sign_of<T>(y));
}

// Each instruction set defines for float and double:
//   multiply_add(a, b, c)   a·b + c, rounded once where has_fused_multiply_add, else after each operation
//   sqrt(x)                 correctly rounded
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

/// x · 2^n, rounded once, for integers n with |n| ≤ twice the largest exponent and x between ½ and 2.
#if defined(DDPM_TARGET_AVX512)
template <class T>
DDPM_INLINE pack<T> times_power_of_two(pack<T> x, pack<T> n) {
    return scale(x, n);
}
#else
template <class T>
DDPM_INLINE pack<T> times_power_of_two(pack<T> x, pack<T> n) {
    using format = float_format<T>;
    using bits = typename format::bits;
    // Two factors, since 2^n itself may overflow or be subnormal; the first product is exact.
    constexpr bits shift = format::whole_shift_bits - 2 * bits{format::bias};
    const pack<bits> biased_twice = as<bits>(n + format::whole_shift) - shift;
    const pack<bits> half = biased_twice >> 1;
    return x * as<T>(half << format::mantissa_bits) * as<T>((biased_twice - half) << format::mantissa_bits);
}
#endif
