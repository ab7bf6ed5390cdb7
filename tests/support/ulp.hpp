// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace ddpm::test {

/// The type that exact values are computed in.
template <Scalar S>
using wide = std::conditional_t<std::is_same_v<S, float>, double, long double>;

/// An unsigned integer of the size of S.
template <Scalar S>
using bits_of = std::conditional_t<std::is_same_v<S, float>, std::uint32_t, std::uint64_t>;

/// How far `got` is from the exact value, in units in the last place of the smaller of the two; 0 where it is the
/// nearest S.
template <Scalar S>
double ulp_error(S got, wide<S> exact) {
    const S nearest = static_cast<S>(exact);
    if (got == nearest || (std::isnan(got) && std::isnan(exact))) {
        return 0;
    }
    if (!std::isfinite(got) || !std::isfinite(nearest)) {
        return std::numeric_limits<double>::infinity();
    }
    const S size = std::min(std::abs(got), std::abs(nearest));
    const S next = std::bit_cast<S>(static_cast<bits_of<S>>(std::bit_cast<bits_of<S>>(size) + 1));
    return static_cast<double>(std::abs(got - exact) / (next - size));
}

/// Whether both have the same bits, or are NaN.
template <Scalar S>
bool same(S a, S b) {
    return std::bit_cast<bits_of<S>>(a) == std::bit_cast<bits_of<S>>(b) || (std::isnan(a) && std::isnan(b));
}

}  // namespace ddpm::test
