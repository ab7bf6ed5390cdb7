// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/normal_constants.hpp>

#include <bit>
#include <cmath>
#include <cstdint>

// Off in this file: a fused multiply-add, which rounds once where two operations round twice and so changes the bits.
#if defined(__clang__)
#pragma float_control(push)
#pragma clang fp contract(off)
#else
#pragma GCC push_options
#pragma GCC optimize("fp-contract=off")
#endif

namespace ddpm {

/// Two independent standard normals.
struct normal_pair {
    float first = 0;   ///< r cos θ
    float second = 0;  ///< r sin θ
};

/// Two normals from two random words, by the Box–Muller transform: first = r cos θ and second = r sin θ with
/// r = √(−2 ln u) and θ = 2π (angle_word + ½) / 2³². Let s be the radius word, made odd and read as signed: u is
/// −s / 2³² if s < 0 and 1 − s / 2³² otherwise, so that r is accurate at both ends. The SIMD kernel computes the same
/// bits.
/// @accuracy each within 2.5e-7 · r of the exact value for these words; r is never 0, and its largest value, hence that
/// of a normal, is √(64 ln 2) ≈ 6.6604371. The set of all pairs is symmetric: inverting all bits of the angle word
/// changes the sign of `second`, inverting its top bit changes both signs
/// @determinism only additions, multiplications, conversions and a square root, each rounded separately: the same bits
/// on every machine and with every compiler, in the default rounding mode. Not with -ffast-math or Clang's
/// -ffp-contract=fast, which override the pragmas
/// @source Box and Muller 1958, A note on the generation of random normal deviates
[[nodiscard]] inline normal_pair box_muller(std::uint32_t radius_word, std::uint32_t angle_word) noexcept {
    using namespace kernels::detail;

    // u = base + x, and −2 ln u = −2 k ln 2 − 2 ln(1 + t). If k = 0, t = x, which has the bits that u loses.
    const std::int32_t s = static_cast<std::int32_t>(radius_word | 1u);
    const float x = static_cast<float>(s) * -two_to_minus_32;
    const float u = (s < 0 ? 0.0f : 1.0f) + x;
    const std::int32_t offset = std::bit_cast<std::int32_t>(u) - sqrt_half_bits;
    const std::int32_t k = offset >> 23;
    const float mantissa = std::bit_cast<float>((offset & mantissa_mask) + sqrt_half_bits);
    const float t = k < 0 ? mantissa - 1.0f : x;
    float log_factor = minus_two_log1p[8];
    for (int i = 7; i >= 0; --i) {
        log_factor = log_factor * t + minus_two_log1p[i];
    }
    const float radius = std::sqrt(static_cast<float>(k) * minus_two_log_two + log_factor * t);

    // θ = (quadrant + x) · π/2 with |x| ≤ ½: the two top bits of `turned` are the quadrant, the 30 bits below give x.
    const std::uint32_t turned = angle_word + 0x20000000u;
    const float fraction = static_cast<float>(static_cast<std::int32_t>((angle_word << 2) | 2u)) * two_to_minus_32;
    const float z = fraction * fraction;
    const float* const a = sine_of_quarter_turns;
    const float* const b = cosine_of_quarter_turns;
    const float sine = (((a[3] * z + a[2]) * z + a[1]) * z + a[0]) * fraction;
    const float cosine = (((b[3] * z + b[2]) * z + b[1]) * z + b[0]) * z + 1.0f;
    const bool odd = (turned & 0x40000000u) != 0;
    const float signed_radius = (turned & 0x80000000u) != 0 ? -radius : radius;
    return {signed_radius * (odd ? -sine : cosine), signed_radius * (odd ? cosine : sine)};
}

}  // namespace ddpm

#if defined(__clang__)
#pragma float_control(pop)
#else
#pragma GCC pop_options
#endif
