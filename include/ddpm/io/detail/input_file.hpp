// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddpm::io::detail {

/// A regular file open for reading at any position. Reads rather than maps: a file that another program cuts short is
/// then an io_error, not a fatal signal.
class input_file {
public:
    /// @throws io_error if it cannot be opened or is not a regular file
    explicit input_file(std::string path) : path_(std::move(path)) {
        do {
            // O_NONBLOCK: a named pipe must be refused, not waited for.
            file_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        } while (file_ < 0 && errno == EINTR);
        struct stat status {};
        if (file_ < 0 || ::fstat(file_, &status) != 0) {
            const int reason = errno;
            close();
            fail("cannot open", reason);
        }
        if (!S_ISREG(status.st_mode)) {
            close();
            throw io_error(path_, "cannot be read", "a regular file",
                           S_ISDIR(status.st_mode) ? "a folder" : "something else");
        }
        size_ = static_cast<std::uint64_t>(status.st_size);
    }

    input_file(input_file&& other) noexcept
        : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)), size_(other.size_) {}
    input_file& operator=(input_file&& other) noexcept {
        std::swap(path_, other.path_);
        std::swap(file_, other.file_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~input_file() { close(); }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// The size when it was opened.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Fills `out` from a position. May be called by several threads at once.
    /// @throws io_error if the file ends before
    void read(std::uint64_t position, std::span<std::byte> out) const {
        constexpr std::size_t largest_call = std::size_t{1} << 30;
        while (!out.empty()) {
            const ssize_t got =
                ::pread(file_, out.data(), std::min(out.size(), largest_call), static_cast<off_t>(position));
            if (got > 0) {
                position += static_cast<std::uint64_t>(got);
                out = out.subspan(static_cast<std::size_t>(got));
            } else if (got == 0) {
                throw io_error(path_, "the file became shorter while it was read", size_, position);
            } else if (errno != EINTR) {
                fail("cannot read", errno);
            }
        }
    }

    /// The whole file.
    [[nodiscard]] std::vector<std::byte> read_all() const {
        std::vector<std::byte> content(static_cast<std::size_t>(size_));
        read(0, content);
        return content;
    }

private:
    void close() noexcept {
        if (file_ >= 0) {
            ::close(std::exchange(file_, -1));
        }
    }

    [[noreturn]] void fail(const char* what, int reason) const {
        throw io_error(path_, ddpm::detail::text(what, " (", std::generic_category().message(reason), ")"));
    }

    std::string path_;
    int file_ = -1;
    std::uint64_t size_ = 0;
};

}  // namespace ddpm::io::detail
