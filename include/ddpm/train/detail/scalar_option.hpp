// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <cmath>
#include <limits>
#include <string_view>

namespace ddpm::detail {

/// Options are doubles, and networks compute in S: the number must keep its meaning there.
/// @throws value_error unless the number is finite as an S too, and not 0 there unless it is 0
template <Scalar S>
void require_in_scalar(std::string_view where, std::string_view what, double value) {
    constexpr double least = static_cast<double>(std::numeric_limits<S>::min());
    constexpr double largest = static_cast<double>(std::numeric_limits<S>::max());
    const double size = std::abs(value);
    if (!(size <= largest) || (size > 0 && size < least)) {
        throw value_error(where, what,
                          text("0, or of a size from ", least, " to ", largest, ", as the network's scalar has it"), value);
    }
}

}  // namespace ddpm::detail
