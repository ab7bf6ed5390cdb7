// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace ddpm::detail {

/// x · y + z, rounded once: std::fma, whose version for float some C libraries (MinGW's) round twice.
[[nodiscard]] inline double multiply_add(double x, double y, double z) { return std::fma(x, y, z); }

[[nodiscard]] inline float multiply_add(float x, float y, float z) {
    const double product = static_cast<double>(x) * static_cast<double>(y);  // exact
    double sum = product + static_cast<double>(z);
    const double added = sum - product;
    const double error = (product - (sum - added)) + (static_cast<double>(z) - added);  // of the sum, exact
    // A sum that was rounded gets an odd last bit, so that it is never halfway between two floats by its rounding.
    // Source: Boldo and Melquiond 2008, Emulation of FMA and correctly rounded sums, doi 10.1109/TC.2007.70819.
    if (const auto bits = std::bit_cast<std::uint64_t>(sum); bits % 2 == 0 && (error > 0 || error < 0)) {
        sum = std::bit_cast<double>((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
    }
    return static_cast<float>(sum);
}

}  // namespace ddpm::detail
