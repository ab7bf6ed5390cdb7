// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The AVX-512 part of pack.inl.hpp.

inline constexpr bool has_fused_multiply_add = true;

// The last two arguments of these builtins are the mask of all lanes, and 4: the current rounding mode.
struct full_mask {
    /// Converts to the mask type, which differs between compilers and builtins: 8 or 16 bits, signed or not.
    template <class Mask>
    DDPM_INLINE constexpr operator Mask() const {
        return static_cast<Mask>(-1);
    }
};
inline constexpr full_mask full{};

DDPM_INLINE pack<float> multiply_add(pack<float> a, pack<float> b, pack<float> c) {
    return __builtin_ia32_vfmaddps512_mask(a, b, c, full, 4);
}
DDPM_INLINE pack<double> multiply_add(pack<double> a, pack<double> b, pack<double> c) {
    return __builtin_ia32_vfmaddpd512_mask(a, b, c, full, 4);
}

/// x · 2^n for integers n, rounded once.
DDPM_INLINE pack<float> scale(pack<float> x, pack<float> n) {
    return __builtin_ia32_scalefps512_mask(x, n, x, full, 4);
}
DDPM_INLINE pack<double> scale(pack<double> x, pack<double> n) {
    return __builtin_ia32_scalefpd512_mask(x, n, x, full, 4);
}

#if defined(__clang__)

DDPM_INLINE pack<float> sqrt(pack<float> x) { return __builtin_ia32_sqrtps512(x, 4); }
DDPM_INLINE pack<double> sqrt(pack<double> x) { return __builtin_ia32_sqrtpd512(x, 4); }
DDPM_INLINE pack<std::uint64_t> multiply_even(pack<std::uint32_t> a, pack<std::uint32_t> b) {
    return (as<std::uint64_t>(a) & 0xffffffffu) * (as<std::uint64_t>(b) & 0xffffffffu);  // one instruction in Clang
}

#else

DDPM_INLINE pack<float> sqrt(pack<float> x) { return __builtin_ia32_sqrtps512_mask(x, x, full, 4); }
DDPM_INLINE pack<double> sqrt(pack<double> x) { return __builtin_ia32_sqrtpd512_mask(x, x, full, 4); }
DDPM_INLINE pack<float> min(pack<float> a, pack<float> b) { return __builtin_ia32_minps512_mask(a, b, a, full, 4); }
DDPM_INLINE pack<double> min(pack<double> a, pack<double> b) { return __builtin_ia32_minpd512_mask(a, b, a, full, 4); }
DDPM_INLINE pack<float> max(pack<float> a, pack<float> b) { return __builtin_ia32_maxps512_mask(a, b, a, full, 4); }
DDPM_INLINE pack<double> max(pack<double> a, pack<double> b) { return __builtin_ia32_maxpd512_mask(a, b, a, full, 4); }
DDPM_INLINE pack<std::uint64_t> multiply_even(pack<std::uint32_t> a, pack<std::uint32_t> b) {
    return as<std::uint64_t>(__builtin_ia32_pmuludq512_mask(as<int>(a), as<int>(b), pack<long long>{}, full));
}

#endif
