// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>

#include <type_traits>

namespace ddpm::test {

/// The value of a float or bfloat16.
template <class T>
[[nodiscard]] float number(T x) {
    if constexpr (std::is_same_v<T, bfloat16>) {
        return to_float(x);
    } else {
        return x;
    }
}

/// x as a float or bfloat16.
template <class T>
[[nodiscard]] T stored_as(float x) {
    if constexpr (std::is_same_v<T, bfloat16>) {
        return to_bfloat16(x);
    } else {
        return x;
    }
}

}  // namespace ddpm::test
