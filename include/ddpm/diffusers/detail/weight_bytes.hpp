// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/io/detail/checked.hpp>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <system_error>

namespace ddpm::diffusers::detail {

/// How many bytes the safetensors files of a folder have together; nothing if it has none, or does not show them.
[[nodiscard]] inline std::optional<std::uint64_t> weight_bytes(const std::filesystem::path& folder) {
    std::optional<std::uint64_t> sum;
    std::error_code failure;
    std::filesystem::directory_iterator entry(folder, failure);
    for (; !failure && entry != std::filesystem::directory_iterator(); entry.increment(failure)) {
        if (entry->path().extension() != ".safetensors") {
            continue;
        }
        std::error_code unknown;
        if (const std::uint64_t size = entry->file_size(unknown); !unknown) {
            sum = io::detail::checked_add(sum.value_or(0), size).value_or(std::numeric_limits<std::uint64_t>::max());
        }
    }
    return sum;
}

}  // namespace ddpm::diffusers::detail
