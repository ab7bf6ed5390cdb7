// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <span>
#include <string>

namespace ddpm::detail {

/// The sizes of a tensor's dimensions, for messages: [3, 4].
[[nodiscard]] inline std::string shape_text(std::span<const isize> shape) {
    std::string out = "[";
    for (const isize size : shape) {
        out.append(out.size() > 1 ? ", " : "").append(std::to_string(size));
    }
    return out + "]";
}

}  // namespace ddpm::detail
