// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

// The constants of Philox4x32-10 and of the normal transform. They must not change: other values give other noise.
namespace ddpm::kernels::detail {

/// Philox4x32: the two multipliers, and the increments of the two key words between rounds.
/// @source Salmon et al., Parallel random numbers: as easy as 1, 2, 3 (2011)
inline constexpr std::uint32_t philox_multiplier_0 = 0xD2511F53u, philox_multiplier_1 = 0xCD9E8D57u;
inline constexpr std::uint32_t philox_weyl_0 = 0x9E3779B9u, philox_weyl_1 = 0xBB67AE85u;
inline constexpr int philox_rounds = 10;

/// The bits of √½ as a float: log reduces the mantissa m to [√½, √2).
inline constexpr std::int32_t sqrt_half_bits = 0x3f3504f3;
inline constexpr std::int32_t mantissa_mask = 0x007fffff;

inline constexpr float two_to_minus_32 = 0x1p-32f;
inline constexpr float minus_two_log_two = -1.38629436f;

/// −2 log(1 + t) ≈ t · (c0 + c1 t + … + c8 t⁸) for t in [√½ − 1, √2 − 1]. Minimax with c0 = −2 fixed; error relative to
/// −2 log u: 1.9e-8.
inline constexpr float minus_two_log1p[] = {-2.0f,        0.999998331f,  -0.666683972f, 0.50011456f,  -0.399129272f,
                                            0.330055654f, -0.298277706f, 0.293698579f,  -0.182940483f};

/// sin(π/2 · x) ≈ x · (c0 + c1 x² + c2 x⁴ + c3 x⁶) for |x| ≤ ½: relative error 2.8e-8, due to the rounding of π/2.
inline constexpr float sine_of_quarter_turns[] = {1.57079637f, -0.645966649f, 0.079712525f, -0.00468597142f};

/// cos(π/2 · x) ≈ 1 + c0 x² + c1 x⁴ + c2 x⁶ + c3 x⁸ for |x| ≤ ½: error 4e-10.
inline constexpr float cosine_of_quarter_turns[] = {-1.23370051f, 0.253668517f, -0.0208552536f, 0.000893572578f};

}  // namespace ddpm::kernels::detail
