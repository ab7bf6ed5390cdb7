// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The operating system's functions on files, so that a test can make any call of them fail. To be included by one
// source of a program: its functions take the place of the C library's for the whole program.
#pragma once

#include "support/file_faults.hpp"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <utility>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddpm::test {
namespace {

struct file_fault_state {
    std::atomic<bool> armed{false};
    std::atomic<int> calls{0};
    std::atomic<bool> crashed{false};
    file_fault kind = file_fault::error;
    int fault_at = -1;
    int code = 0;
    std::function<void()> happens;
    std::vector<file_call_made>* record = nullptr;
};

file_fault_state file_faults;

/// The C library's own function of that name.
template <class F>
F* original_function(const char* name) noexcept {
    return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

ino_t inode_of(int file) noexcept {
    struct stat status {};
    return original_function<decltype(::fstat)>("fstat")(file, &status) == 0 ? status.st_ino : 0;
}

ino_t inode_of(const char* path) noexcept {
    struct stat status {};
    return original_function<decltype(::stat)>("stat")(path, &status) == 0 ? status.st_ino : 0;
}

template <class First, class... Rest>
First first_of(First first, const Rest&...) noexcept {
    return first;
}

enum class file_call { runs, fails, halved };

/// What becomes of the call that is being made, of the function of that name for an open file or a path.
template <class File>
file_call file_call_now(const char* name, File file) noexcept {
    file_fault_state& s = file_faults;
    if (s.record != nullptr) {
        const int reason = errno;
        s.record->push_back({name, inode_of(file)});
        errno = reason;
    }
    if (!s.armed) {
        return file_call::runs;
    }
    const int call = s.calls++;
    const bool now = call == s.fault_at;
    if (now && s.happens) {
        s.armed = false;
        s.happens();
        s.armed = true;
        return file_call::runs;
    }
    if (now && s.kind == file_fault::crash) {
        s.crashed = true;
    }
    if (s.crashed || (now && s.kind != file_fault::short_call)) {
        errno = s.code;
        return file_call::fails;
    }
    return now ? file_call::halved : file_call::runs;
}

}  // namespace

file_fault_at::file_fault_at(file_fault kind, int call, int code) noexcept {
    file_faults.kind = kind;
    file_faults.fault_at = call;
    file_faults.code = code;
    file_faults.calls = 0;
    file_faults.crashed = false;
    file_faults.armed = true;
}

file_fault_at::~file_fault_at() {
    file_faults.armed = false;
    file_faults.fault_at = -1;
}

bool file_fault_at::was_met() const noexcept { return file_faults.calls > file_faults.fault_at; }

before_file_call::before_file_call(int call, std::function<void()> happens) {
    file_faults.happens = std::move(happens);
    file_faults.fault_at = call;
    file_faults.calls = 0;
    file_faults.crashed = false;
    file_faults.armed = true;
}

before_file_call::~before_file_call() {
    file_faults.armed = false;
    file_faults.fault_at = -1;
    file_faults.happens = nullptr;
}

bool before_file_call::was_met() const noexcept { return file_faults.calls > file_faults.fault_at; }

recorded_file_calls::recorded_file_calls() noexcept { file_faults.record = &made_; }

recorded_file_calls::~recorded_file_calls() { file_faults.record = nullptr; }

}  // namespace ddpm::test

#define DDPM_TEST_REAL(function) (::ddpm::test::original_function<decltype(::function)>(#function))

/// A function that returns −1 where it fails.
#define DDPM_TEST_FAULTY(function, parameters, arguments)                                       \
    int function parameters noexcept(noexcept(::function arguments)) {                          \
        static auto* const original = DDPM_TEST_REAL(function);                                 \
        const auto call = ddpm::test::file_call_now(#function, ddpm::test::first_of arguments); \
        return call == ddpm::test::file_call::fails ? -1 : original arguments;                  \
    }

extern "C" {

DDPM_TEST_FAULTY(flock, (int file, int operation), (file, operation))
DDPM_TEST_FAULTY(fchmod, (int file, mode_t mode), (file, mode))
DDPM_TEST_FAULTY(fchown, (int file, uid_t user, gid_t group), (file, user, group))
DDPM_TEST_FAULTY(fstat, (int file, struct stat* out), (file, out))
DDPM_TEST_FAULTY(stat, (const char* path, struct stat* out), (path, out))
DDPM_TEST_FAULTY(rename, (const char* from, const char* to), (from, to))
DDPM_TEST_FAULTY(mkdir, (const char* path, mode_t mode), (path, mode))
DDPM_TEST_FAULTY(unlink, (const char* path), (path))
DDPM_TEST_FAULTY(remove, (const char* path), (path))

/// While faults are armed, nothing goes to the disk: that takes long, and no test sees it.
int fsync(int file) {
    static auto* const original = DDPM_TEST_REAL(fsync);
    const auto call = ddpm::test::file_call_now("fsync", file);
    return call == ddpm::test::file_call::fails ? -1 : ddpm::test::file_faults.armed ? 0 : original(file);
}

#ifdef __linux__
int syncfs(int file) noexcept {
    static auto* const original = DDPM_TEST_REAL(syncfs);
    const auto call = ddpm::test::file_call_now("syncfs", file);
    return call == ddpm::test::file_call::fails ? -1 : ddpm::test::file_faults.armed ? 0 : original(file);
}
#endif

int open(const char* path, int flags, ...) {
    static auto* const original = DDPM_TEST_REAL(open);
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list rest;
        va_start(rest, flags);
        mode = static_cast<mode_t>(va_arg(rest, int));
        va_end(rest);
    }
    return ddpm::test::file_call_now("open", path) == ddpm::test::file_call::fails ? -1 : original(path, flags, mode);
}

/// The file is closed even where the call fails, as Linux does.
int close(int file) {
    static auto* const original = DDPM_TEST_REAL(close);
    const bool fails = ddpm::test::file_call_now("close", file) == ddpm::test::file_call::fails;
    const int reason = errno;
    const int result = original(file);
    errno = fails ? reason : errno;
    return fails ? -1 : result;
}

ssize_t write(int file, const void* from, size_t size) {
    static auto* const original = DDPM_TEST_REAL(write);
    const auto call = ddpm::test::file_call_now("write", file);
    if (call == ddpm::test::file_call::runs) {
        return original(file, from, size);
    }
    if (call == ddpm::test::file_call::halved) {
        return original(file, from, (size + 1) / 2);
    }
    const int reason = errno;
    if (reason != EINTR) {
        static_cast<void>(original(file, from, size / 2));
    }
    errno = reason;
    return -1;
}

ssize_t pread(int file, void* to, size_t size, off_t position) {
    static auto* const original = DDPM_TEST_REAL(pread);
    const auto call = ddpm::test::file_call_now("pread", file);
    return call == ddpm::test::file_call::fails
               ? -1
               : original(file, to, call == ddpm::test::file_call::halved ? (size + 1) / 2 : size, position);
}

}  // extern "C"

#undef DDPM_TEST_FAULTY
#undef DDPM_TEST_REAL
