// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/posix_files.hpp>
#include <ddpm/core/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace ddpm::detail {

/// A regular file open for reading at any position. It is read, not mapped, so that truncation by another program is an
/// io_error and not a fatal signal.
class input_file {
public:
    /// @throws io_error if it cannot be opened or is not a regular file
    explicit input_file(std::string path)
        // without_waiting: a named pipe must be rejected without waiting for a writer.
        : path_(std::move(path)), file_(file_handle::open(path_, O_RDONLY | without_waiting)) {
        file_status status{};
        if (!file_ || !file_.status(status)) {
            fail("cannot open", errno);
        }
        if (!S_ISREG(status.st_mode)) {
            throw io_error(path_, "cannot be read", "a regular file",
                           S_ISDIR(status.st_mode) ? "a folder" : "something else");
        }
        size_ = static_cast<std::uint64_t>(status.st_size);
    }

    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// The file size at the time of opening.
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }

    /// Fills `out` with the bytes at a position. May be called concurrently.
    /// @throws io_error if the file ends before that
    void read(std::uint64_t position, std::span<std::byte> out) const {
        constexpr std::size_t largest_call = std::size_t{1} << 30;
        while (!out.empty()) {
            const std::ptrdiff_t got = uninterrupted(
                [&] { return call_read(file_.number(), out.data(), std::min(out.size(), largest_call), position); });
            if (got < 0) {
                fail("cannot read", errno);
            }
            if (got == 0) {
                throw io_error(path_, "the file became shorter while it was read", size_, position);
            }
            position += static_cast<std::uint64_t>(got);
            out = out.subspan(static_cast<std::size_t>(got));
        }
    }

private:
    [[noreturn]] void fail(const char* what, int reason) const {
        throw io_error(path_, text(what, " (", system_message(reason), ")"));
    }

    std::string path_;
    file_handle file_;
    std::uint64_t size_ = 0;
};

/// A file in memory, with the members of input_file that readers of a format use.
class memory_file {
public:
    memory_file(std::span<const std::byte> content, std::string_view path) : content_(content), path_(path) {}

    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return content_.size(); }
    [[nodiscard]] const std::byte* data() const noexcept { return content_.data(); }
    void read(std::uint64_t position, std::span<std::byte> out) const noexcept {
        if (!out.empty()) {
            std::memcpy(out.data(), content_.data() + position, out.size());
        }
    }

private:
    std::span<const std::byte> content_;
    std::string path_;
};

/// Fills `buffer` with the first bytes of a file; returns the part that was filled.
template <class File>
[[nodiscard]] std::span<std::byte> read_prefix(const File& file, std::span<std::byte> buffer) {
    const auto prefix = buffer.first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), file.size())));
    file.read(0, prefix);
    return prefix;
}

/// The `length` bytes of a file from a position on.
/// @throws io_error as the file's read
template <class File>
[[nodiscard]] std::string read_text(const File& file, std::uint64_t position, std::size_t length) {
    std::string text(length, '\0');
    file.read(position, std::as_writable_bytes(std::span(text)));
    return text;
}

}  // namespace ddpm::detail
