// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/atomic_file.hpp>

#include <ddpm/core/detail/bytes.hpp>

#include "io/atomic_saves.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ddpm::test {
namespace {

mode_t permissions(const std::string& path) {
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

/// While it lives, the process has this umask.
struct umask_of {
    explicit umask_of(mode_t mask) : before(::umask(mask)) {}
    ~umask_of() { ::umask(before); }
    mode_t before;
};

TEST_CASE("atomic_file writes a new file and replaces an old one", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    for (const std::string_view content : {"first", "second and longer", ""}) {
        io::atomic_file file(path);
        file.write(ddpm::detail::bytes_of(content));
        CHECK(folder.entries() <= 2);
        file.commit();
        CHECK(read_text(path) == content);
        CHECK(folder.entries() == 1);
    }
}

TEST_CASE("atomic_file without commit leaves the old file and nothing else", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    write_text(path, "old");
    {
        io::atomic_file file(path);
        file.write(ddpm::detail::bytes_of("new"));
        CHECK(read_text(path) == "old");
    }
    CHECK(read_text(path) == "old");
    CHECK(folder.entries() == 1);
}

TEST_CASE("atomic_file takes a name without a folder", "[io]") {
    const temporary_folder folder;
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(folder / "");
    {
        io::atomic_file file("plain");
        file.write(ddpm::detail::bytes_of("x"));
        file.commit();
    }
    std::filesystem::current_path(before);
    CHECK(read_text(folder / "plain") == "x");
}

TEST_CASE("atomic_file refuses what it cannot replace", "[io]") {
    const temporary_folder folder;
    CHECK_THROWS_AS(io::atomic_file(folder / "missing/file"), io_error);
    CHECK_THROWS_AS(io::atomic_file(folder / ""), io_error);
    CHECK_THROWS_AS(io::atomic_file("/dev/null"), io_error);
    CHECK_THROWS_AS(io::atomic_file("/dev/full"), io_error);
    std::filesystem::create_directory(folder / "sub");
    CHECK_THROWS_AS(io::atomic_file(folder / "sub"), io_error);
    CHECK(folder.entries() == 1);
    CHECK_THROWS_AS(io::atomic_file(""), io_error);
    CHECK_THROWS_AS(io::atomic_file(folder / "absent/"), io_error);
}

TEST_CASE("atomic_file keeps the permissions of the file that it replaces", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    const umask_of mask(0022);
    CHECK(save_text(path) == "saved");
    CHECK(permissions(path) == 0644);
    for (const mode_t mode : {0600u, 0640u, 0666u, 0400u, 0444u, 0755u, 0000u}) {
        CAPTURE(mode);
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        CHECK(save_text(path) == "saved");
        CHECK(permissions(path) == mode);
    }
}

TEST_CASE("atomic_file: nobody whom the old file shut out can open the new one while it is written", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    const umask_of mask(0);
    for (const mode_t mode : {0600u, 0640u}) {
        write_text(path, "old");
        REQUIRE(::chmod(path.c_str(), mode) == 0);
        io::atomic_file file(path);
        for (const auto& entry : std::filesystem::directory_iterator(folder / "")) {
            CHECK(permissions(entry.path().string()) == mode);
        }
    }
}

TEST_CASE("atomic_file keeps owner and group as far as it may", "[io][root]") {
    if (::geteuid() != 0) {
        WARN("SKIPPED: only root can make a file of somebody else");
        return;
    }
    const temporary_folder folder;
    const std::string path = folder / "file";
    write_text(path, "old");
    REQUIRE(::chown(path.c_str(), 1234, 4321) == 0);
    REQUIRE(::chmod(path.c_str(), 0660) == 0);
    CHECK(save_text(path) == "saved");
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(status.st_uid == 1234);
    CHECK(status.st_gid == 4321);
    CHECK(permissions(path) == 0660);
    // A user who is not of the group cannot give the file to it; the user's own group is not let in instead.
    CHECK(as_nobody(folder / ".", [&] { return save_text(path) == "saved"; }));
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK(status.st_uid == 65534);
    CHECK(permissions(path) == 0600);
}

TEST_CASE("atomic_file replaces a symbolic link, not what it points to", "[io]") {
    const temporary_folder folder;
    write_text(folder / "target", "old");
    std::filesystem::create_symlink("target", folder / "link");
    CHECK(save_text(folder / "link") == "saved");
    CHECK(read_text(folder / "target") == "old");
    CHECK(read_text(folder / "link") == "new content");
    CHECK_FALSE(std::filesystem::is_symlink(folder / "link"));
}

TEST_CASE("atomic_file works in a folder that may be written but not read", "[io]") {
    const temporary_folder folder;
    const std::string inside = folder / "drop";
    std::filesystem::create_directory(inside);
    CHECK(as_nobody(inside, [&] {
        const std::string path = inside + "/file";
        return ::chmod(inside.c_str(), 0300) == 0 && save_text(path) == "saved" && read_text(path) == "new content" &&
               save_text(path) == "saved" && ::chmod(inside.c_str(), 0700) == 0;
    }));
    CHECK(std::distance(std::filesystem::directory_iterator(inside), {}) == 1);
}

TEST_CASE("atomic_file fails in a folder that may not be written, and leaves the file", "[io]") {
    const temporary_folder folder;
    const std::string inside = folder / "closed";
    std::filesystem::create_directory(inside);
    write_text(inside + "/file", "old");
    CHECK(as_nobody(inside, [&] {
        return ::chmod(inside.c_str(), 0500) == 0 && save_text(inside + "/file") != "saved" &&
               ::chmod(inside.c_str(), 0700) == 0;
    }));
    CHECK(read_text(inside + "/file") == "old");
}

TEST_CASE("atomic_file removes what dead writers left, and nothing of the living", "[io]") {
    const temporary_folder folder;
    for (int i = 0; i < 100; ++i) {  // of a process of the same number, in another container
        write_text(folder / ddpm::detail::text(".ddpm-", i % 2 == 0 ? 1 : ::getpid(), "-", i, ".tmp"), "left");
    }
    write_text(folder / ".ddpm-notes", "mine");
    write_text(folder / "other.tmp", "mine");
    std::filesystem::create_directory(folder / ".ddpm-folder.tmp");
    std::filesystem::create_symlink("other.tmp", folder / ".ddpm-link.tmp");
    const int held = ::open((folder / ".ddpm-held.tmp").c_str(), O_WRONLY | O_CREAT, 0600);
    REQUIRE(::flock(held, LOCK_EX) == 0);

    io::atomic_file other(folder / "other");
    other.write(ddpm::detail::bytes_of("alive"));
    CHECK(save_text(folder / "file") == "saved");
    other.commit();
    CHECK(read_text(folder / "other") == "alive");
    CHECK(folder.entries() == 7);  // the five that are no leftovers, and the two that were saved
    CHECK(read_text(folder / "other.tmp") == "mine");

    ::close(held);
    CHECK(save_text(folder / "file") == "saved");
    CHECK_FALSE(std::filesystem::exists(folder / ".ddpm-held.tmp"));
    CHECK(folder.entries() == 6);
}

TEST_CASE("atomic_file: a leftover of a file that only its owner may read is removed too", "[io]") {
    const temporary_folder folder;
    CHECK(as_nobody(folder / ".", [&] {
        write_text(folder / ".ddpm-0.tmp", "left");
        return ::chmod((folder / ".ddpm-0.tmp").c_str(), 0400) == 0 && save_text(folder / "file") == "saved";
    }));
    CHECK(folder.entries() == 1);
}

}  // namespace
}  // namespace ddpm::test
