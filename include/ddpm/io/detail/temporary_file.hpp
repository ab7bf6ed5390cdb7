// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/posix_files.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#if !defined(_WIN32)
#include <sys/random.h>
#endif

// A temporary file is named .ddpm-….tmp. Its writer holds an exclusive lock on it from before the first byte until it
// is renamed or removed, and the system releases the lock however the writer ends. So a file with such a name and
// without a lock belongs to a dead writer, on whatever machine or container it ran; process numbers repeat. On Windows a
// file that a writer has open cannot be removed, and that is its lock.

namespace ddpm::io::detail {

inline constexpr std::string_view temporary_prefix = ".ddpm-";
inline constexpr std::string_view temporary_suffix = ".tmp";

/// A name for a temporary file that is very unlikely to be in use.
[[nodiscard]] inline std::string temporary_name() {
    static std::atomic<std::uint64_t> counter{0};
    std::uint64_t number = 0;
#if defined(_WIN32)
    const bool is_random = false;
#else
    const bool is_random = ::getentropy(&number, sizeof number) == 0;
#endif
    if (!is_random) {  // not supported by the system; O_EXCL detects a name in use
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
#if defined(_WIN32)
    ::unlink(path.c_str());
#else
    // Opens for writing if allowed: some network file systems grant an exclusive lock only then.
    constexpr int flags = ddpm::detail::without_waiting | ddpm::detail::no_links;
    ddpm::detail::file_handle file = ddpm::detail::file_handle::open(path, O_RDWR | flags);
    if (!file && errno == EACCES) {
        file = ddpm::detail::file_handle::open(path, O_RDONLY | flags);
    }
    ddpm::detail::file_status status{};
    if (file && file.status(status) && S_ISREG(status.st_mode) &&
        ddpm::detail::uninterrupted([&] { return ::flock(file.number(), LOCK_EX | LOCK_NB); }) == 0) {
        ::unlink(path.c_str());
    }
#endif
}

/// Removes the temporary files of dead writers from a folder, where permitted. Files whose lock is held stay, and so do
/// all files if the file system has no locks.
inline void remove_leftovers(const std::string& folder) {
    static_cast<void>(ddpm::detail::for_each_name(folder, [&](std::string_view name) {
        if (name.starts_with(temporary_prefix) && name.ends_with(temporary_suffix)) {
            remove_if_unlocked(std::string(folder).append("/").append(name));
        }
    }));
}

/// Creates a temporary file in a folder, open for writing and locked. On failure it is not open, and errno is set.
[[nodiscard]] inline ddpm::detail::file_handle create_temporary(const std::string& folder, mode_t mode,
                                                                std::string& path) {
    constexpr int most_attempts = 100;
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        path = folder + '/' + temporary_name();
        ddpm::detail::file_handle file = ddpm::detail::file_handle::open(path, O_WRONLY | O_CREAT | O_EXCL, mode);
        if (!file) {
            if (errno == EEXIST) {
                continue;
            }
            break;
        }
#if defined(_WIN32)
        return file;
#else
        // A failed lock is ignored: without locks on this file system, nobody can remove the file as a leftover.
        static_cast<void>(ddpm::detail::uninterrupted([&] { return ::flock(file.number(), LOCK_EX); }));
        ddpm::detail::file_status status{};
        if (!file.status(status) || status.st_nlink > 0) {
            return file;
        }
        // Another process locked the file first and removed it.
#endif
    }
    path.clear();
    return ddpm::detail::file_handle();
}

}  // namespace ddpm::io::detail
