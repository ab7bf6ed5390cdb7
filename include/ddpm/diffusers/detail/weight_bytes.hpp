// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/checked.hpp>
#include <ddpm/diffusers/detail/model_folder.hpp>
#include <ddpm/io/detail/posix_files.hpp>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace ddpm::diffusers::detail {

/// How many bytes the safetensors files of a folder have together; nothing if it has none, or does not show them.
[[nodiscard]] inline std::optional<std::uint64_t> weight_bytes(const std::string& folder) {
    std::optional<std::uint64_t> sum;
    static_cast<void>(io::detail::for_each_name(folder, [&](std::string_view name) {
        struct stat status {};
        if (name.ends_with(weights_ending) && io::detail::status_of(path_in(folder, name), status) && S_ISREG(status.st_mode)) {
            sum = ddpm::detail::checked_add(sum.value_or(0), static_cast<std::uint64_t>(status.st_size))
                      .value_or(std::numeric_limits<std::uint64_t>::max());
        }
    }));
    return sum;
}

}  // namespace ddpm::diffusers::detail
