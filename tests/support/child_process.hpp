// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>

namespace ddpm::test {

/// Starts a child process as fork does. A child that hangs is killed.
[[nodiscard]] inline pid_t guarded_fork() {
    std::cout.flush();
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(30);
    }
    return child;
}

/// Waits for a child. Returns what it passed to exit, or −1 − the signal that killed it.
[[nodiscard]] inline int exit_code(pid_t child) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child) {
        return -1;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1 - WTERMSIG(status);
}

/// Runs body() in a child process, which must end by itself or else ends with 99. Returns its exit code.
template <class Body>
[[nodiscard]] int in_child(const Body& body) {
    const pid_t child = guarded_fork();
    if (child == 0) {
        body();
        ::_exit(99);
    }
    return exit_code(child);
}

}  // namespace ddpm::test
