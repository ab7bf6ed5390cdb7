// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <csignal>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ddpm::mutation {

using seconds = std::chrono::duration<double>;

constexpr rlim_t time_limit = 30;  // seconds of the processor; a test that takes longer hangs
constexpr rlim_t memory_limit = rlim_t{6} << 30;

struct outcome {
    int status;  // 0 if the command ended well
    bool timed_out;
};

/// Runs a command of the shell, with its output in a file.
inline outcome run(const std::string& command, const std::filesystem::path& output, double limit, bool limit_memory) {
    const std::string log = output.string();
    const pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        const int file = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
        dup2(file, 1);
        dup2(file, 2);
        if (limit_memory) {
            const rlimit memory{memory_limit, memory_limit}, none{0, 0}, time{time_limit, time_limit + 1};
            setrlimit(RLIMIT_AS, &memory);
            setrlimit(RLIMIT_CPU, &time);  // also without this program, should it be ended
            setrlimit(RLIMIT_CORE, &none);
        }
        execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
        _exit(127);
    }
    if (child < 0) {
        throw std::runtime_error("cannot start a process");
    }
    const auto start = std::chrono::steady_clock::now();
    int status = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (seconds(std::chrono::steady_clock::now() - start).count() > limit) {
            kill(-child, SIGKILL);
            waitpid(child, &status, 0);
            return {1, true};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {status, WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU};
}

}  // namespace ddpm::mutation
