// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/detail/posix_files.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/io/detail/temporary_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace ddpm::io {

/// Replaces a file atomically: writes a temporary file beside `path`, syncs it, renames it to `path`, and syncs the
/// folder. After a failure or a crash at any moment `path` has either the old or the new content, never a part.
///
/// The new file gets the permissions (read, write, execute) of the old one and, where the system allows it, its owner
/// and group; if the group cannot be kept, the new group gets the permissions of others. Access control lists and
/// extended attributes are not kept. A file that did not exist gets the permissions of the umask. A symbolic link at
/// `path` is replaced itself, not its target; other hard links keep the old content. Temporary files left in the folder
/// by killed processes are removed first. On Windows the new file has the permissions of any other new one, and its
/// folder is not synced.
class atomic_file {
public:
    /// Creates a temporary file for the new content of `path`, beside it.
    /// @throws io_error if no file can be created in the folder, or `path` is something other than a regular file
    explicit atomic_file(std::string path) : path_(std::move(path)) {
        if (path_.empty() || ddpm::detail::path_separators.find(path_.back()) != ddpm::detail::path_separators.npos) {
            throw io_error(path_, "cannot be written", "the name of a file", "none");
        }
        const std::size_t slash = path_.find_last_of(ddpm::detail::path_separators);
        const std::string folder = slash == path_.npos ? "." : slash == 0 ? "/" : path_.substr(0, slash);
        ddpm::detail::file_status old{};
        const bool has_old = ddpm::detail::status_of(path_, old);
        if (!has_old && errno != ENOENT) {
            fail("cannot see the old file");
        }
        if (has_old && !S_ISREG(old.st_mode)) {
            throw io_error(path_, "cannot be replaced", "a regular file or none", "something else");
        }
        // A folder with write but without read permission cannot be opened; commit() then syncs the whole file system.
        folder_ = ddpm::detail::file_handle::open(folder, O_RDONLY | ddpm::detail::folders_only);
        // NOLINTNEXTLINE(clang-analyzer-unix.Errno): opening has failed, which sets it
        if (!folder_ && errno != EACCES) {
            fail("cannot open its folder");
        }
        detail::remove_leftovers(folder);
        constexpr mode_t by_umask = 0666, owner = 0700;
        file_ = detail::create_temporary(folder, has_old ? old.st_mode & owner : by_umask, temporary_);
        if (!file_) {
            fail("cannot make a temporary file");
        }
        if (has_old) {
            keep_permissions(old);
        }
    }

    atomic_file(const atomic_file&) = delete;
    atomic_file& operator=(const atomic_file&) = delete;

    /// Discards the new content unless it was committed.
    ~atomic_file() { discard(); }

    /// Appends to the new content.
    /// @throws io_error if not all of it could be written; `path` keeps the old content
    void write(std::span<const std::byte> bytes) {
        DDPM_ASSERT(file_);
        constexpr std::size_t largest_call = std::size_t{1} << 30;
        while (!bytes.empty()) {
            const auto written = ddpm::detail::uninterrupted([&] {
                return ddpm::detail::call_write(file_.number(), bytes.data(), std::min(bytes.size(), largest_call));
            });
            if (written <= 0) {
                errno = written == 0 ? ENOSPC : errno;
                fail("cannot write");
            }
            bytes = bytes.subspan(static_cast<std::size_t>(written));
        }
    }

    /// Replaces the file by the new content, on the disk too. Call it once, as the last operation.
    /// @throws io_error if that failed; `path` then has the old content, with one exception that the message names: the
    /// file is replaced, but syncing the folder failed, so that a loss of power may restore the old content
    void commit() {
        DDPM_ASSERT(file_);
        if (!file_.sync()) {
            fail("cannot sync");
        }
        // Some file systems report a failed write only on close; the lock must be held until then.
#if defined(_WIN32)
        const ddpm::detail::file_handle lock;
        const bool has_lock = true;  // none, since an open file cannot be renamed
#else
        const ddpm::detail::file_handle lock = file_.duplicate();
        const bool has_lock = static_cast<bool>(lock);
#endif
        if (!has_lock || !file_.close()) {
            fail("cannot close");
        }
        if (ddpm::detail::uninterrupted([&] { return ddpm::detail::call_rename(temporary_.c_str(), path_.c_str()); }) !=
            0) {
            fail("cannot rename the temporary file");
        }
        temporary_.clear();
        if (folder_ ? !folder_.sync() : !sync_file_system(lock)) {
            fail("the new content is in place, but its folder cannot be synced");
        }
    }

private:
    void keep_permissions([[maybe_unused]] const ddpm::detail::file_status& old) {
#if !defined(_WIN32)
        ddpm::detail::file_status now{};
        if (!file_.status(now)) {
            fail("cannot see the temporary file");
        }
        const auto give_to = [&](uid_t user, gid_t group) {
            return ddpm::detail::uninterrupted([&] { return ::fchown(file_.number(), user, group); }) == 0;
        };
        constexpr auto unchanged = static_cast<uid_t>(-1);
        const bool has_group = (now.st_uid == old.st_uid && now.st_gid == old.st_gid) ||
                               give_to(old.st_uid, old.st_gid) || give_to(unchanged, old.st_gid);
        constexpr mode_t owner = 0700, others = 0007, all = 0777;
        const mode_t mode =
            has_group ? old.st_mode & all : (old.st_mode & (owner | others)) | (old.st_mode & others) << 3;
        if ((now.st_mode & all) != mode &&
            ddpm::detail::uninterrupted([&] { return ::fchmod(file_.number(), mode); }) != 0) {
            fail("cannot keep the permissions of the old file");
        }
#endif
    }

    [[nodiscard]] static bool sync_file_system([[maybe_unused]] const ddpm::detail::file_handle& file) noexcept {
#ifdef __linux__
        return ::syncfs(file.number()) == 0;
#elif defined(_WIN32)
        return true;
#else
        ::sync();
        return true;
#endif
    }

    void discard() noexcept {
        file_.close();  // Windows removes no open file
        if (!temporary_.empty()) {
            ::unlink(temporary_.c_str());
            temporary_.clear();
        }
    }

    /// Discards the new content and throws, with errno as the reason.
    [[noreturn]] void fail(const char* what) {
        const int reason = errno;
        discard();
        throw io_error(path_, ddpm::detail::text(what, " (", ddpm::detail::system_message(reason), ")"));
    }

    std::string path_;
    std::string temporary_;
    ddpm::detail::file_handle file_;
    ddpm::detail::file_handle folder_;
};

}  // namespace ddpm::io
