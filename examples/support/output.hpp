// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/io/atomic_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace examples {

/// Makes the folder that a file is to lie in, and writes as many bytes as the file may need to a temporary one beside
/// it, which is removed again: a folder that takes no files and a full disk are to be found out before the work, not
/// after it.
/// @throws ddpm::io_error if one of it fails
inline void require_room(const std::string& path, std::uintmax_t bytes) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    std::error_code error;
    if (!folder.empty() && !std::filesystem::is_directory(folder, error)) {
        std::filesystem::create_directories(folder, error);
        if (error) {
            throw ddpm::io_error(folder.string(), "the folder cannot be made (" + error.message() + ")");
        }
    }
    ddpm::io::atomic_file probe(path);
    const std::vector<std::byte> block(std::size_t{1} << 20);
    while (bytes > 0) {
        const std::size_t now = static_cast<std::size_t>(std::min<std::uintmax_t>(bytes, block.size()));
        probe.write(std::span(block).first(now));
        bytes -= now;
    }
}

/// "folder/name-1.extension" for "folder/name.extension", or with the next number that no file has.
[[nodiscard]] inline std::filesystem::path next_free_name(const std::filesystem::path& path) {
    for (int number = 1;; ++number) {
        std::filesystem::path name = path;
        name.replace_filename(path.stem().string() + "-" + std::to_string(number) + path.extension().string());
        if (!std::filesystem::exists(name)) {
            return name;
        }
    }
}

}  // namespace examples
