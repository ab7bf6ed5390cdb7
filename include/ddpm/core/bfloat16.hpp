// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstdint>

namespace ddpm {

/// A number of the format bfloat16: the upper 16 bits of a float. Only stored and multiplied; sums are float.
struct bfloat16 {
    std::uint16_t bits;
};

/// The float of the same value.
/// @accuracy exact
[[nodiscard]] constexpr float to_float(bfloat16 x) noexcept {
    return std::bit_cast<float>(std::uint32_t{x.bits} << 16);
}

/// Rounded to the nearest bfloat16, ties to even. NaN gives NaN.
/// @accuracy at most 2⁻⁸ of |x|, and 2⁻¹³⁴ below the smallest normal number, 2⁻¹²⁶; from 2¹²⁸ − 2¹¹⁹ on ±∞
[[nodiscard]] constexpr bfloat16 to_bfloat16(float x) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    if (x != x) {
        return {static_cast<std::uint16_t>((bits >> 16) | 0x40u)};
    }
    return {static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

}  // namespace ddpm
