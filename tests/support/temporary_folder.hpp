// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

namespace ddpm::test {

/// A place for temporary folders that is not on a disk, where the system has one: syncing a file is fast there.
[[nodiscard]] inline std::filesystem::path place_in_memory() {
    const std::filesystem::path shared = "/dev/shm";
    return std::filesystem::is_directory(shared) ? shared : std::filesystem::temp_directory_path();
}

/// A new folder that disappears with its content.
class temporary_folder {
public:
    explicit temporary_folder(const std::filesystem::path& place = std::filesystem::temp_directory_path()) {
        std::random_device random;
        do {  // until the name is new; throws if none can be made
            path_ = place / ("ddpm-test-" + std::to_string(random()));
        } while (!std::filesystem::create_directory(path_));
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    /// The path of a file inside.
    [[nodiscard]] std::string operator/(std::string_view name) const { return (path_ / name).string(); }

    /// How many entries it has.
    [[nodiscard]] std::ptrdiff_t entries() const {
        return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
    }

private:
    std::filesystem::path path_;
};

inline void write_text(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

[[nodiscard]] inline std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace ddpm::test
