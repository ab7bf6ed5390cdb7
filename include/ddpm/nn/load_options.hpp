// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

namespace ddpm {

/// How a network's parameters are read from a file.
struct load_options {
    bool reject_nonfinite = false;  ///< a value that is NaN or infinite is an error, which names its tensor
};

namespace nn::detail {

/// @throws io_error if a value of the tensor that was read from the file is NaN or infinite
template <Scalar S>
void require_finite(std::string_view file, std::string_view tensor, std::span<const S> values) {
    const auto bad = std::find_if(values.begin(), values.end(), [](S value) { return !std::isfinite(value); });
    if (bad != values.end()) {
        throw io_error(file, tensor, "finite values",
                       ddpm::detail::text(*bad, " among ", values.size(), " values, as number ", bad - values.begin()));
    }
}

}  // namespace nn::detail

}  // namespace ddpm
