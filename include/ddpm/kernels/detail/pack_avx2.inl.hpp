// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The AVX2 and FMA part of pack.inl.hpp.

inline constexpr bool has_fused_multiply_add = true;

// Newer versions of Clang have general built-in functions in the place of those of the processor, which they drop.
#if __has_builtin(__builtin_elementwise_fma)
DDPM_INLINE pack<float> multiply_add(pack<float> a, pack<float> b, pack<float> c) {
    return __builtin_elementwise_fma(a, b, c);
}
DDPM_INLINE pack<double> multiply_add(pack<double> a, pack<double> b, pack<double> c) {
    return __builtin_elementwise_fma(a, b, c);
}
#else
DDPM_INLINE pack<float> multiply_add(pack<float> a, pack<float> b, pack<float> c) {
    return __builtin_ia32_vfmaddps256(a, b, c);
}
DDPM_INLINE pack<double> multiply_add(pack<double> a, pack<double> b, pack<double> c) {
    return __builtin_ia32_vfmaddpd256(a, b, c);
}
#endif

#if __has_builtin(__builtin_elementwise_sqrt)
DDPM_INLINE pack<float> sqrt(pack<float> x) { return __builtin_elementwise_sqrt(x); }
DDPM_INLINE pack<double> sqrt(pack<double> x) { return __builtin_elementwise_sqrt(x); }
#else
DDPM_INLINE pack<float> sqrt(pack<float> x) { return __builtin_ia32_sqrtps256(x); }
DDPM_INLINE pack<double> sqrt(pack<double> x) { return __builtin_ia32_sqrtpd256(x); }
#endif

#if !defined(__clang__)  // Clang generates these instructions from pack.inl.hpp
DDPM_INLINE pack<float> min(pack<float> a, pack<float> b) { return __builtin_ia32_minps256(a, b); }
DDPM_INLINE pack<double> min(pack<double> a, pack<double> b) { return __builtin_ia32_minpd256(a, b); }
DDPM_INLINE pack<float> max(pack<float> a, pack<float> b) { return __builtin_ia32_maxps256(a, b); }
DDPM_INLINE pack<double> max(pack<double> a, pack<double> b) { return __builtin_ia32_maxpd256(a, b); }
#endif

DDPM_INLINE pack<std::uint64_t> multiply_even(pack<std::uint32_t> a, pack<std::uint32_t> b) {
#if defined(__clang__)
    return (as<std::uint64_t>(a) & 0xffffffffu) * (as<std::uint64_t>(b) & 0xffffffffu);  // Clang finds the instruction
#else
    return as<std::uint64_t>(__builtin_ia32_pmuludq256(as<int>(a), as<int>(b)));
#endif
}
