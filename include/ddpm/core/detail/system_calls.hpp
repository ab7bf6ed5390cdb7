// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

// The system's calls for files, as POSIX has them, and what stands for them on Windows. Each returns -1, with the reason
// in errno, if it fails.
//
// Windows has no permissions, owners and synced folders in POSIX's sense. An open file cannot be removed there, so that no
// lock is needed to tell whether a temporary file is in use. Files are opened without conversion of line ends. Names of
// files are in the system's code page.

#if defined(_WIN32)

#include <cerrno>
#include <mutex>

#include <direct.h>
#include <io.h>

extern "C" __attribute__((dllimport)) int __stdcall MoveFileExA(const char* from, const char* to, unsigned long flags);

namespace ddpm::detail {

using file_status = struct _stat64;

inline constexpr std::string_view path_separators = "/\\";
inline constexpr int without_waiting = 0, folders_only = 0, no_links = 0;

inline int call_stat(const char* path, file_status* out) noexcept { return ::_stat64(path, out); }
inline int call_fstat(int file, file_status* out) noexcept { return ::_fstat64(file, out); }

inline int call_open(const char* path, int flags, mode_t mode) noexcept {
    return ::_open(path, flags | _O_BINARY | _O_NOINHERIT, static_cast<int>(mode) & (_S_IREAD | _S_IWRITE));
}

inline int call_sync(int file) noexcept { return ::_commit(file); }

/// Reads one after the other, since the position belongs to the open file.
inline std::ptrdiff_t call_read(int file, std::byte* out, std::size_t size, std::uint64_t position) {
    static std::mutex one;
    const std::scoped_lock only(one);
    return ::_lseeki64(file, static_cast<std::int64_t>(position), SEEK_SET) < 0
               ? -1
               : ::_read(file, out, static_cast<unsigned>(size));
}

inline std::ptrdiff_t call_write(int file, const std::byte* bytes, std::size_t size) noexcept {
    return ::_write(file, bytes, static_cast<unsigned>(size));
}

inline int call_rename(const char* from, const char* to) noexcept {
    constexpr unsigned long replace = 1, on_the_disk = 8;
    if (::MoveFileExA(from, to, replace | on_the_disk) != 0) {
        return 0;
    }
    errno = EACCES;
    return -1;
}

inline int call_make_folder(const char* path) noexcept { return ::_mkdir(path); }

}  // namespace ddpm::detail

#else

#include <sys/file.h>

namespace ddpm::detail {

using file_status = struct stat;

inline constexpr std::string_view path_separators = "/";
inline constexpr int without_waiting = O_NONBLOCK, folders_only = O_DIRECTORY, no_links = O_NOFOLLOW;

inline int call_stat(const char* path, file_status* out) noexcept { return ::stat(path, out); }
inline int call_fstat(int file, file_status* out) noexcept { return ::fstat(file, out); }

inline int call_open(const char* path, int flags, mode_t mode) noexcept {
    return ::open(path, flags | O_CLOEXEC, mode);
}

inline int call_sync(int file) noexcept { return ::fsync(file); }

inline std::ptrdiff_t call_read(int file, std::byte* out, std::size_t size, std::uint64_t position) noexcept {
    return ::pread(file, out, size, static_cast<off_t>(position));
}

inline std::ptrdiff_t call_write(int file, const std::byte* bytes, std::size_t size) noexcept {
    return ::write(file, bytes, size);
}

inline int call_rename(const char* from, const char* to) noexcept { return ::rename(from, to); }
inline int call_make_folder(const char* path) noexcept { return ::mkdir(path, 0777); }

}  // namespace ddpm::detail

#endif
