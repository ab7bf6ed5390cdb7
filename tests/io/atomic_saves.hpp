// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/io/atomic_file.hpp>

#include <ddpm/core/detail/bytes.hpp>

#include "support/catch.hpp"

#include <filesystem>
#include <string>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddpm::test {

/// Writes "new content" in two pieces; "saved", or the text of the error.
[[nodiscard]] inline std::string save_text(const std::string& path) {
    try {
        io::atomic_file file(path);
        file.write(ddpm::detail::bytes_of("new "));
        file.write(ddpm::detail::bytes_of("content"));
        file.commit();
        return "saved";
    } catch (const io_error& e) {
        return e.what();
    }
}

/// Whether f() gives true in a child process that is not root. The folder is given to it.
template <class F>
[[nodiscard]] bool as_nobody(const std::string& folder, F&& f) {
    const bool is_root = ::geteuid() == 0;
    constexpr unsigned nobody = 65534;
    if (is_root) {
        REQUIRE(::chown(folder.c_str(), nobody, nobody) == 0);
        REQUIRE(::chmod(std::filesystem::path(folder).parent_path().c_str(), 0755) == 0);
    }
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const bool plain = !is_root || (::setgid(nobody) == 0 && ::setuid(nobody) == 0);
        ::_exit(plain && f() ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace ddpm::test
