// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The part of pack.inl.hpp for SSE2, and for architectures without a version of their own.

inline constexpr bool has_fused_multiply_add = false;

DDPM_INLINE pack<float> multiply_add(pack<float> a, pack<float> b, pack<float> c) { return a * b + c; }
DDPM_INLINE pack<double> multiply_add(pack<double> a, pack<double> b, pack<double> c) { return a * b + c; }

#if defined(DDPM_TARGET_SSE2)

// As in pack_avx2.inl.hpp.
#if __has_builtin(__builtin_elementwise_sqrt)
DDPM_INLINE pack<float> sqrt(pack<float> x) { return __builtin_elementwise_sqrt(x); }
DDPM_INLINE pack<double> sqrt(pack<double> x) { return __builtin_elementwise_sqrt(x); }
#else
DDPM_INLINE pack<float> sqrt(pack<float> x) { return __builtin_ia32_sqrtps(x); }
DDPM_INLINE pack<double> sqrt(pack<double> x) { return __builtin_ia32_sqrtpd(x); }
#endif

#if !defined(__clang__)  // Clang generates these instructions from pack.inl.hpp
DDPM_INLINE pack<float> min(pack<float> a, pack<float> b) { return __builtin_ia32_minps(a, b); }
DDPM_INLINE pack<double> min(pack<double> a, pack<double> b) { return __builtin_ia32_minpd(a, b); }
DDPM_INLINE pack<float> max(pack<float> a, pack<float> b) { return __builtin_ia32_maxps(a, b); }
DDPM_INLINE pack<double> max(pack<double> a, pack<double> b) { return __builtin_ia32_maxpd(a, b); }
#endif

DDPM_INLINE pack<std::uint64_t> multiply_even(pack<std::uint32_t> a, pack<std::uint32_t> b) {
#if defined(__clang__)
    return (as<std::uint64_t>(a) & 0xffffffffu) * (as<std::uint64_t>(b) & 0xffffffffu);  // Clang finds the instruction
#else
    return as<std::uint64_t>(__builtin_ia32_pmuludq128(as<int>(a), as<int>(b)));
#endif
}

#else

DDPM_INLINE pack<float> sqrt(pack<float> x) {
    for (isize i = 0; i < lanes<float>; ++i) {
        x[i] = __builtin_sqrtf(x[i]);
    }
    return x;
}
DDPM_INLINE pack<double> sqrt(pack<double> x) {
    for (isize i = 0; i < lanes<double>; ++i) {
        x[i] = __builtin_sqrt(x[i]);
    }
    return x;
}
DDPM_INLINE pack<std::uint64_t> multiply_even(pack<std::uint32_t> a, pack<std::uint32_t> b) {
    pack<std::uint64_t> product{};
    for (isize i = 0; i < lanes<std::uint64_t>; ++i) {
        product[i] = std::uint64_t{a[2 * i]} * b[2 * i];
    }
    return product;
}

#endif
