// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/system_calls.hpp>

#include <cerrno>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace ddpm::detail {

/// The operating system's message for an error code.
[[nodiscard]] inline std::string system_message(int code) { return std::generic_category().message(code); }

/// Repeats a system call while a signal interrupts it.
template <class Call>
auto uninterrupted(const Call& call) noexcept {
    auto result = call();
    while (result < 0 && errno == EINTR) {
        result = call();
    }
    return result;
}

/// Gets the status of a path. Returns false, with the reason in errno, if that fails.
[[nodiscard]] inline bool status_of(const std::string& path, file_status& out) noexcept {
    return uninterrupted([&] { return call_stat(path.c_str(), &out); }) == 0;
}

/// Calls f(name) for each name in a folder. The std::filesystem iterator of libstdc++ 12 would terminate the program if
/// an allocation fails.
/// @returns 0, or an error code if the folder cannot be read
/// @throws std::bad_alloc, and what f throws
template <class F>
int for_each_name(const std::string& folder, const F& f) {
    struct closer {
        void operator()(DIR* open) const noexcept { ::closedir(open); }
    };
    const std::unique_ptr<DIR, closer> open(::opendir(folder.c_str()));
    if (open == nullptr && errno == ENOMEM) {
        throw std::bad_alloc();
    }
    while (open != nullptr) {
        errno = 0;
        // NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this stream
        const dirent* const entry = ::readdir(open.get());
        if (entry == nullptr) {
            break;
        }
        f(std::string_view(entry->d_name));
    }
    return errno;
}

/// An open file or folder, closed by the destructor.
class file_handle {
public:
    explicit file_handle(int number = -1) noexcept : number_(number) {}
    file_handle(file_handle&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    file_handle& operator=(file_handle&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~file_handle() { close(); }

    /// Opens with the flags of ::open; child processes do not inherit it. The handle is not open if that fails.
    [[nodiscard]] static file_handle open(const std::string& path, int flags, mode_t mode = 0) noexcept {
        return file_handle(uninterrupted([&] { return call_open(path.c_str(), flags, mode); }));
    }

#if !defined(_WIN32)
    /// A second handle of the same open file. It keeps the file locked after the first is closed.
    [[nodiscard]] file_handle duplicate() const noexcept {
        return file_handle(uninterrupted([&] { return ::fcntl(number_, F_DUPFD_CLOEXEC, 0); }));
    }
#endif

    [[nodiscard]] explicit operator bool() const noexcept { return number_ >= 0; }
    [[nodiscard]] int number() const noexcept { return number_; }

    /// Closes the file. Returns whether all written data was accepted.
    bool close() noexcept { return number_ < 0 || ::close(std::exchange(number_, -1)) == 0 || errno == EINTR; }

    /// Writes the file or folder to the disk; returns whether that succeeded. EINVAL means that there is nothing to
    /// sync.
    [[nodiscard]] bool sync() const noexcept {
        return uninterrupted([&] { return call_sync(number_); }) == 0 || errno == EINVAL;
    }

    [[nodiscard]] bool status(file_status& out) const noexcept {
        return uninterrupted([&] { return call_fstat(number_, &out); }) == 0;
    }

private:
    int number_;
};

}  // namespace ddpm::detail
