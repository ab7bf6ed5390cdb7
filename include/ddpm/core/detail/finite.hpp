// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

namespace ddpm::detail {

/// Where the first value that is NaN or infinite stands; the end if all are finite.
template <class T>
[[nodiscard]] auto find_not_finite(std::span<T> values) {
    return std::find_if(values.begin(), values.end(), [](T value) { return !std::isfinite(value); });
}

/// @throws io_error if a value of the tensor that was read from the file is NaN or infinite
template <Scalar S>
void require_finite(std::string_view file, std::string_view tensor, std::span<const S> values) {
    const auto bad = find_not_finite(values);
    if (bad != values.end()) {
        throw io_error(file, tensor, "finite values",
                       text(*bad, " among ", values.size(), " values, as number ", bad - values.begin()));
    }
}

}  // namespace ddpm::detail
