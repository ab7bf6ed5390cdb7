// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/io/detail/posix_files.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include <sys/random.h>

// A temporary file is named .ddpm-….tmp, and its writer holds an exclusive lock on it from before the first byte until
// it is renamed or removed. The system drops the lock when the writer ends, however it ends. So a file of such a name
// without a lock is a dead writer's, on whichever machine or in whichever container it ran; process numbers repeat.

namespace ddpm::io::detail {

inline constexpr std::string_view temporary_prefix = ".ddpm-";
inline constexpr std::string_view temporary_suffix = ".tmp";

/// A name for a temporary file that hardly any other has.
[[nodiscard]] inline std::string temporary_name() {
    static std::atomic<std::uint64_t> counter{0};
    std::uint64_t number = 0;
    if (::getentropy(&number, sizeof number) != 0) {  // a kernel without it: whoever creates a file sees whether it is new
        number = static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count()) ^
                 static_cast<std::uint64_t>(::getpid()) << 48;
    }
    number += counter++;
    std::string name(temporary_prefix);
    for (int shift = 60; shift >= 0; shift -= 4) {
        name.push_back("0123456789abcdef"[number >> shift & 15]);
    }
    return name.append(temporary_suffix);
}

/// Removes a temporary file if no writer holds its lock.
inline void remove_if_unlocked(const std::string& path) noexcept {
    // For writing, if that is allowed: some network file systems give an exclusive lock to nobody else.
    constexpr int flags = O_NONBLOCK | O_NOFOLLOW;
    file_handle file = file_handle::open(path, O_RDWR | flags);
    if (!file && errno == EACCES) {
        file = file_handle::open(path, O_RDONLY | flags);
    }
    struct stat status {};
    if (file && file.status(status) && S_ISREG(status.st_mode) &&
        uninterrupted([&] { return ::flock(file.number(), LOCK_EX | LOCK_NB); }) == 0) {
        ::unlink(path.c_str());
    }
}

/// Removes the temporary files of dead writers from a folder, as far as that is allowed. One whose lock is held, or
/// where the file system has no locks, stays.
inline void remove_leftovers(const std::string& folder) {
    static_cast<void>(for_each_name(folder, [&](std::string_view name) {
        if (name.starts_with(temporary_prefix) && name.ends_with(temporary_suffix)) {
            remove_if_unlocked(std::string(folder).append("/").append(name));
        }
    }));
}

/// Makes a new temporary file in a folder, open for writing and locked. Not open, with the reason in errno, where that
/// fails.
[[nodiscard]] inline file_handle create_temporary(const std::string& folder, mode_t mode, std::string& path) {
    constexpr int most_attempts = 100;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        path = folder + '/' + temporary_name();
        file_handle file = file_handle::open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (!file) {
            if (errno == EEXIST) {
                continue;
            }
            break;
        }
        // A file system without locks is no reason not to write: nobody can then hold it for a leftover.
        static_cast<void>(uninterrupted([&] { return ::flock(file.number(), LOCK_EX); }));
        struct stat status {};
        if (!file.status(status) || status.st_nlink > 0) {
            return file;
        }
        // Somebody locked it before this writer did, and removed it.
    }
    path.clear();
    return file_handle();
}

}  // namespace ddpm::io::detail
