// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/io/detail/posix_files.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace ddpm::io {

namespace detail {

/// What atomic_file is, over the operating system's calls or a test's.
template <class Files>
class basic_atomic_file {
public:
    /// Starts a new content for `path` in a temporary file beside it.
    /// @throws io_error if the folder takes no new file, or `path` is something other than a regular file
    explicit basic_atomic_file(std::string path) : path_(std::move(path)) {
        if (path_.empty() || path_.back() == '/') {
            throw io_error(path_, "cannot be written", "the name of a file", "none");
        }
        const std::size_t slash = path_.rfind('/');
        folder_ = slash == path_.npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
        struct stat status {};
        if (Files::status(path_.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
            throw io_error(path_, "cannot be replaced", "a regular file or none", "something else");
        }
        static std::atomic<unsigned> counter{0};
        constexpr int most_attempts = 100;
        for (int attempt = 0; file_ < 0 && attempt < most_attempts; ++attempt) {
            temporary_ = ddpm::detail::text(folder_, "/.ddpm-", ::getpid(), "-", counter++, ".tmp");
            file_ = Files::create(temporary_.c_str());
            if (file_ < 0 && errno != EEXIST && errno != EINTR) {
                break;
            }
        }
        if (file_ < 0) {
            temporary_.clear();  // whatever has that name is not ours to remove
            fail("cannot make a temporary file");
        }
    }

    basic_atomic_file(const basic_atomic_file&) = delete;
    basic_atomic_file& operator=(const basic_atomic_file&) = delete;

    /// Drops the new content unless it was committed.
    ~basic_atomic_file() { discard(); }

    /// Appends to the new content.
    /// @throws io_error if not all of it could be written; the old content stands
    void write(std::span<const std::byte> bytes) {
        DDPM_ASSERT(file_ >= 0);
        constexpr std::size_t largest_call = std::size_t{1} << 30;
        while (!bytes.empty()) {
            const auto written = Files::write(file_, bytes.data(), std::min(bytes.size(), largest_call));
            if (written > 0) {
                bytes = bytes.subspan(static_cast<std::size_t>(written));
            } else if (written == 0) {
                errno = ENOSPC;
                fail("cannot write");
            } else if (errno != EINTR) {
                fail("cannot write");
            }
        }
    }

    /// Puts the new content in the old one's place, on the disk too. To be called once, last.
    /// @throws io_error if that failed; the old content stands, unless only the folder's entry could not be synced
    void commit() {
        DDPM_ASSERT(file_ >= 0);
        sync(file_, "cannot sync");
        if (Files::close(std::exchange(file_, -1)) != 0 && errno != EINTR) {
            fail("cannot close");
        }
        if (Files::rename(temporary_.c_str(), path_.c_str()) != 0) {
            fail("cannot rename the temporary file");
        }
        temporary_.clear();
        file_ = Files::open_folder(folder_.c_str());
        if (file_ < 0) {
            fail("written, but its folder cannot be opened");
        }
        sync(file_, "written, but its folder cannot be synced");
        Files::close(std::exchange(file_, -1));
    }

private:
    void sync(int file, const char* failure) {
        while (Files::sync(file) != 0) {
            // EINVAL: a file system that has nothing to sync here.
            if (errno == EINVAL) {
                return;
            }
            if (errno != EINTR) {
                fail(failure);
            }
        }
    }

    void discard() noexcept {
        if (file_ >= 0) {
            Files::close(std::exchange(file_, -1));
        }
        if (!temporary_.empty()) {
            Files::remove(temporary_.c_str());
            temporary_.clear();
        }
    }

    [[noreturn]] void fail(const char* what) const {
        throw io_error(path_, ddpm::detail::text(what, " (", std::generic_category().message(errno), ")"));
    }

    std::string path_;
    std::string folder_;
    std::string temporary_;
    int file_ = -1;
};

}  // namespace detail

/// A file replaced as a whole: written beside `path`, synced, renamed over it, its folder synced. After a failure or a
/// crash at any moment `path` holds the old content or the new one, never a part. A symbolic link at `path` is itself
/// replaced.
using atomic_file = detail::basic_atomic_file<detail::posix_files>;

}  // namespace ddpm::io
