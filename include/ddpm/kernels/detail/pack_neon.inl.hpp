// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The 64-bit Arm part of pack.inl.hpp.

inline constexpr bool has_fused_multiply_add = true;

DDPM_INLINE pack<float> multiply_add(pack<float> a, pack<float> b, pack<float> c) { return vfmaq_f32(c, a, b); }
DDPM_INLINE pack<double> multiply_add(pack<double> a, pack<double> b, pack<double> c) { return vfmaq_f64(c, a, b); }
DDPM_INLINE pack<float> sqrt(pack<float> x) { return vsqrtq_f32(x); }
DDPM_INLINE pack<double> sqrt(pack<double> x) { return vsqrtq_f64(x); }
DDPM_INLINE pack<std::uint64_t> multiply_even(pack<std::uint32_t> a, pack<std::uint32_t> b) {
    return vmull_u32(vmovn_u64(as<std::uint64_t>(a)), vmovn_u64(as<std::uint64_t>(b)));
}
