// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddpm::io::detail {

/// The operating system's calls that atomic_file makes, in one place, so that a test can put faults in theirs. Each
/// gives -1 and sets errno where it fails.
struct posix_files {
    static int status(const char* path, struct stat* out) noexcept { return ::stat(path, out); }
    static int create(const char* path) noexcept { return ::open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); }
    static int open_folder(const char* path) noexcept { return ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }
    static ssize_t write(int file, const void* from, std::size_t size) noexcept { return ::write(file, from, size); }
    static int sync(int file) noexcept { return ::fsync(file); }
    static int close(int file) noexcept { return ::close(file); }
    static int rename(const char* from, const char* to) noexcept { return ::rename(from, to); }
    static int remove(const char* path) noexcept { return ::unlink(path); }
};

}  // namespace ddpm::io::detail
