// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/atomic_file.hpp>

#include <ddpm/io/safetensors.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <array>
#include <cerrno>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>

namespace ddpm::test {
namespace {

using io::detail::posix_files;

enum class fault { none, error, short_write, interrupted, crash };

/// The operating system's calls, with one fault at the k-th of them. After a crash no call has any effect.
struct faulty_files {
    static inline fault kind = fault::none;
    static inline int error_code = 0;
    static inline int fault_at = -1;
    static inline int calls = 0;
    static inline bool crashed = false;

    static void arm(fault kind_, int call, int code) {
        kind = kind_;
        fault_at = call;
        error_code = code;
        calls = 0;
        crashed = false;
    }

    /// Whether this call fails.
    static bool strikes() {
        const bool now = calls++ == fault_at;
        crashed = crashed || (now && kind == fault::crash);
        errno = error_code;
        return crashed || (now && (kind == fault::error || kind == fault::interrupted));
    }

    static int status(const char* path, struct stat* out) { return posix_files::status(path, out); }
    static int create(const char* path) { return strikes() ? -1 : posix_files::create(path); }
    static int open_folder(const char* path) { return strikes() ? -1 : posix_files::open_folder(path); }
    static ssize_t write(int file, const void* from, std::size_t size) {
        const bool is_short = calls == fault_at && kind == fault::short_write;
        if (strikes()) {
            // A write that fails half-way may have put a part into the file.
            static_cast<void>(posix_files::write(file, from, kind == fault::interrupted ? 0 : size / 2));
            errno = error_code;
            return -1;
        }
        return posix_files::write(file, from, is_short ? (size + 1) / 2 : size);
    }
    static int sync(int) { return strikes() ? -1 : 0; }  // the disk's part takes long and is not what these tests see
    static int close(int file) {
        const bool fails = strikes();
        posix_files::close(file);
        errno = error_code;
        return fails ? -1 : 0;
    }
    static int rename(const char* from, const char* to) { return strikes() ? -1 : posix_files::rename(from, to); }
    static int remove(const char* path) { return crashed ? -1 : posix_files::remove(path); }
};

using faulty_file = io::detail::basic_atomic_file<faulty_files>;

/// Writes "new content" in two pieces; whether that succeeded.
bool save_text(const std::string& path) {
    try {
        faulty_file file(path);
        file.write(io::detail::bytes_of("new "));
        file.write(io::detail::bytes_of("content"));
        file.commit();
        return true;
    } catch (const io_error&) {
        return false;
    }
}

constexpr std::array<float, 100> old_values{1.0f};
constexpr std::array<float, 100> new_values{2.0f};

bool save_tensors(const std::string& path, const std::array<float, 100>& values) {
    try {
        faulty_file file(path);
        const std::vector<io::tensor_source> tensors{{"a", {100}, std::span<const float>(values)},
                                                     {"b", {10, 10}, std::span<const float>(values)}};
        io::detail::write_safetensors_to(file, tensors, {}, {.checksum = true});
        file.commit();
        return true;
    } catch (const io_error&) {
        return false;
    }
}

TEST_CASE("atomic_file writes a new file and replaces an old one", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    for (const std::string_view content : {"first", "second and longer", ""}) {
        io::atomic_file file(path);
        file.write(io::detail::bytes_of(content));
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
        file.write(io::detail::bytes_of("new"));
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
        file.write(io::detail::bytes_of("x"));
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

TEST_CASE("atomic_file: one fault at any call leaves the old file or the new one", "[io]") {
    struct scenario {
        fault kind;
        int code;
        bool survives;  // whether the file is written all the same
    };
    constexpr scenario scenarios[] = {
        {fault::error, ENOSPC, false},     {fault::error, EIO, false}, {fault::short_write, 0, true},
        {fault::interrupted, EINTR, true}, {fault::crash, EIO, false},
    };
    int cases = 0;
    for (const bool has_old : {false, true}) {
        for (const auto& [kind, code, survives] : scenarios) {
            bool fault_met = true;
            for (int call = 0; fault_met; ++call) {
                CAPTURE(has_old, static_cast<int>(kind), code, call);
                const temporary_folder folder;
                const std::string path = folder / "file";
                if (has_old) {
                    write_text(path, "old");
                }
                faulty_files::arm(kind, call, code);
                const bool saved = save_text(path);
                fault_met = faulty_files::calls > call;
                const bool exists = std::filesystem::exists(path);
                const bool is_new = exists && read_text(path) == "new content";
                const bool is_old = has_old ? exists && read_text(path) == "old" : !exists;
                CHECK((is_new || is_old));
                CHECK((!saved || is_new));
                if (survives && code != EINTR) {
                    CHECK(saved);
                }
                if (kind != fault::crash) {
                    CHECK(folder.entries() == (exists ? 1 : 0));
                }
                ++cases;
            }
        }
    }
    faulty_files::arm(fault::none, -1, 0);
    CHECK(cases >= 2 * 5 * 9);
}

TEST_CASE("atomic_file goes on after an interrupted call", "[io]") {
    const temporary_folder folder;
    // create, write, write, sync, close, rename, open_folder, sync: all but rename and open_folder may be interrupted.
    for (const int call : {0, 1, 2, 3, 4, 7}) {
        CAPTURE(call);
        faulty_files::arm(fault::interrupted, call, EINTR);
        CHECK(save_text(folder / "file"));
        CHECK(read_text(folder / "file") == "new content");
    }
    faulty_files::arm(fault::none, -1, 0);
}

TEST_CASE("atomic_file: a file system without sync is no error", "[io]") {
    const temporary_folder folder;
    for (const int call : {3, 7}) {
        faulty_files::arm(fault::error, call, EINVAL);
        CHECK(save_text(folder / "file"));
    }
    faulty_files::arm(fault::none, -1, 0);
}

TEST_CASE("a safetensors file under a fault at any call is the old or the new one", "[io]") {
    int cases = 0;
    for (const auto& [kind, code] : {std::pair(fault::error, ENOSPC), std::pair(fault::crash, EIO),
                                     std::pair(fault::short_write, 0), std::pair(fault::error, EIO)}) {
        bool fault_met = true;
        for (int call = 0; fault_met; ++call) {
            CAPTURE(static_cast<int>(kind), call);
            const temporary_folder folder;
            const std::string path = folder / "model.safetensors";
            faulty_files::arm(fault::none, -1, 0);
            REQUIRE(save_tensors(path, old_values));
            faulty_files::arm(kind, call, code);
            const bool saved = save_tensors(path, new_values);
            fault_met = faulty_files::calls > call;
            const auto file = io::safetensors_file::open(path);
            file.verify_checksum();
            for (const std::string_view name : {"a", "b"}) {
                std::array<float, 100> got{};
                file.read<float>(name, got);
                CHECK((got == new_values || (!saved && got == old_values)));
            }
            ++cases;
        }
    }
    faulty_files::arm(fault::none, -1, 0);
    CHECK(cases >= 4 * 10);
}

/// As posix_files, but the process ends before the k-th call.
struct killing_files : posix_files {
    static inline int left = 0;
    static void tick() {
        if (left-- == 0) {
            ::_exit(9);
        }
    }
    static int create(const char* path) { return tick(), posix_files::create(path); }
    static int open_folder(const char* path) { return tick(), posix_files::open_folder(path); }
    static ssize_t write(int file, const void* from, std::size_t size) {
        return tick(), posix_files::write(file, from, size);
    }
    static int sync(int file) { return tick(), posix_files::sync(file); }
    static int close(int file) { return tick(), posix_files::close(file); }
    static int rename(const char* from, const char* to) { return tick(), posix_files::rename(from, to); }
};

TEST_CASE("atomic_file: a process that ends before any call leaves the old file or the new one", "[io]") {
    bool killed = true;
    int cases = 0;
    for (int call = 0; killed; ++call, ++cases) {
        const temporary_folder folder;
        const std::string path = folder / "file";
        write_text(path, "old");
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            killing_files::left = call;
            {
                io::detail::basic_atomic_file<killing_files> file(path);
                file.write(io::detail::bytes_of("new content"));
                file.commit();
            }
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        killed = WEXITSTATUS(status) == 9;
        const std::string content = read_text(path);
        CAPTURE(call, content);
        CHECK((content == "new content" || (killed && content == "old")));
    }
    CHECK(cases == 9);
}

}  // namespace
}  // namespace ddpm::test
