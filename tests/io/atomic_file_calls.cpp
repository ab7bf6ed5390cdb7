// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The calls of the operating system's functions that atomic_file makes: their order, and what happens at each of them.
#include <ddpm/io/atomic_file.hpp>

#include "io/atomic_saves.hpp"
#include "support/catch.hpp"
#include "support/file_faults.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddpm::test {
namespace {

struct recorded_save {
    std::string said;
    std::vector<std::string> calls;  ///< each as "NAME file", "NAME folder" or "NAME other"
};

/// save_text to "file" in a folder, and the calls that it makes, of which one may fail with EINVAL.
recorded_save record_save(const std::string& folder, int failing = -1) {
    recorded_save save;
    std::vector<file_call_made> made;
    {
        const file_fault_at fault(file_fault::error, failing, EINVAL);
        const recorded_file_calls record;
        save.said = save_text(folder + "/file");
        made = record.made();
    }
    struct stat of_folder {};
    struct stat of_file {};
    static_cast<void>(::stat(folder.c_str(), &of_folder));
    static_cast<void>(::stat((folder + "/file").c_str(), &of_file));
    for (const file_call_made& call : made) {
        save.calls.push_back(call.name + (call.inode == of_folder.st_ino ? " folder"
                                          : call.inode == of_file.st_ino ? " file"
                                                                         : " other"));
    }
    return save;
}

/// The calls from the first write on.
std::vector<std::string> calls_from_write(const std::vector<std::string>& calls) {
    return {std::find(calls.begin(), calls.end(), "write file"), calls.end()};
}

TEST_CASE("atomic_file: another writer that removes leftovers at any moment takes nothing of the living", "[io]") {
    bool met = true;
    int moments = 0;
    for (int call = 0; met; ++call, ++moments) {
        const temporary_folder folder;
        const before_file_call other(call, [&] { io::detail::remove_leftovers(folder / "."); });
        CAPTURE(call);
        CHECK(save_text(folder / "file") == "saved");
        met = other.was_met();
        CHECK(read_text(folder / "file") == "new content");
        CHECK(folder.entries() == 1);
    }
    CHECK(moments >= 12);
}

TEST_CASE("atomic_file: one fault at any call leaves the old file or the new one", "[io]") {
    struct scenario {
        file_fault kind;
        int code;
        bool survives;  // whether the file is written all the same
    };
    constexpr scenario scenarios[] = {{file_fault::error, ENOSPC, false}, {file_fault::error, EIO, false},
                                      {file_fault::error, EACCES, false}, {file_fault::error, EMFILE, false},
                                      {file_fault::short_call, 0, true},  {file_fault::interrupted, EINTR, true},
                                      {file_fault::crash, EIO, false}};
    int cases = 0;
    for (const bool has_old : {false, true}) {
        for (const auto& [kind, code, survives] : scenarios) {
            bool met = true;
            for (int call = 0; met; ++call, ++cases) {
                CAPTURE(has_old, static_cast<int>(kind), code, call);
                const temporary_folder folder;
                const std::string path = folder / "file";
                if (has_old) {
                    write_text(path, "old");
                }
                std::string said;
                {
                    const file_fault_at fault(kind, call, code);
                    said = save_text(path);
                    met = fault.was_met();
                }
                const bool exists = std::filesystem::exists(path);
                const bool is_new = exists && read_text(path) == "new content";
                const bool is_old = has_old ? exists && read_text(path) == "old" : !exists;
                CAPTURE(said);
                CHECK((is_new || is_old));
                const bool in_place = said == "saved" || said.find("in place") != said.npos;
                CHECK((kind == file_fault::crash || in_place == is_new));
                CHECK((!survives || said == "saved"));
                if (kind != file_fault::crash) {
                    CHECK(folder.entries() == (exists ? 1 : 0));
                }
                CHECK(save_text(path) == "saved");
                CHECK(folder.entries() == 1);
            }
        }
    }
    CHECK(cases >= 2 * 7 * 12);
}

TEST_CASE("atomic_file syncs the file before it is renamed, and its folder after", "[io]") {
    for (const bool has_old : {false, true}) {
        CAPTURE(has_old);
        const temporary_folder folder;
        if (has_old) {
            write_text(folder / "file", "old");
        }
        const recorded_save save = record_save(folder / ".");
        CHECK(save.said == "saved");
        CHECK(calls_from_write(save.calls) == std::vector<std::string>{"write file", "write file", "fsync file",
                                                                       "close file", "rename file", "fsync folder",
                                                                       "close file", "close folder"});
    }
}

#ifdef __linux__
TEST_CASE("atomic_file syncs the file system after renaming if it cannot read the folder", "[io]") {
    const temporary_folder folder;
    CHECK(as_nobody(folder / ".", [&] {
        return ::chmod((folder / ".").c_str(), 0300) == 0 &&
               calls_from_write(record_save(folder / ".").calls) ==
                   std::vector<std::string>{"write file",  "write file",  "fsync file", "close file",
                                            "rename file", "syncfs file", "close file"};
    }));
}
#endif

TEST_CASE("atomic_file: a file system without sync or locks is no error", "[io]") {
    for (const bool has_old : {false, true}) {
        CAPTURE(has_old);
        std::vector<std::string> tolerated;
        bool met = true;
        for (int call = 0; met; ++call) {
            const temporary_folder folder;
            if (has_old) {
                write_text(folder / "file", "old");
            }
            const recorded_save save = record_save(folder / ".", call);
            met = static_cast<std::size_t>(call) < save.calls.size();
            CHECK((met || save.said == "saved"));
            if (met && save.said == "saved") {
                tolerated.push_back(save.calls[static_cast<std::size_t>(call)]);
            }
        }
        // Without fstat it is unknown whether another process removed the file before it was locked. Only the last two
        // calls of close, when the file is in place, may fail.
        CHECK(tolerated == std::vector<std::string>{"flock file", "fstat file", "fsync file", "fsync folder",
                                                    "close file", "close folder"});
    }
}

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
            const before_file_call end(call, [] { ::_exit(9); });
            static_cast<void>(save_text(path));
            ::_exit(0);
        }
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        killed = WEXITSTATUS(status) == 9;
        const std::string content = read_text(path);
        CAPTURE(call, content);
        CHECK((content == "new content" || (killed && content == "old")));
        CHECK(folder.entries() <= 2);
        CHECK(save_text(path) == "saved");
        CHECK(folder.entries() == 1);
    }
    CHECK(cases >= 12);
}

}  // namespace
}  // namespace ddpm::test
