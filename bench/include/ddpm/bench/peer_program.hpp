// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// NOLINTNEXTLINE(readability-redundant-declaration): POSIX leaves the declaration to the program
extern char** environ;

namespace ddpm::bench {

/// Another program, in whatever language, that times its way of doing some cases when asked to. It reads and writes
/// lines. First it writes "about TEXT", whose versions it uses; "case NAME PEER" for each that it knows, say
/// "case forward/q_sample/3072x64 torch"; and "ready". Then it answers each line "NAME PEER ITERATIONS" with "SECONDS",
/// what so many iterations took, or "SECONDS NOTE", say "0.027 bf16", or with "error TEXT" if it cannot do the case.
class peer_program {
public:
    struct timed_case {
        std::string name;
        std::string peer;
    };
    struct answer {
        double seconds = 0;  ///< NaN if it cannot do the case
        std::string note;    ///< how it does it, or why it cannot; may be empty
    };

    /// Starts it, with /bin/sh.
    /// @throws io_error if it does not start or says something else than the above
    explicit peer_program(const std::string& command) : peer_program(started{}, command) {
        for (std::string line = read_line(); line != "ready"; line = read_line()) {
            const std::size_t space = line.find(' '), second = line.find(' ', space + 1);
            if (line.starts_with("about ")) {
                about_ = line.substr(space + 1);
            } else if (line.starts_with("case ") && second != std::string::npos) {
                cases_.push_back({line.substr(space + 1, second - space - 1), line.substr(second + 1)});
            } else {
                throw io_error(command_, "start of a peer program", "about ..., case NAME PEER or ready", line);
            }
        }
    }

    peer_program(const peer_program&) = delete;
    peer_program& operator=(const peer_program&) = delete;

    /// Ends the program: there is nothing more to read for it.
    ~peer_program() {
        std::fclose(to_);
        std::fclose(from_);
        int status = 0;
        ::waitpid(process_, &status, 0);
    }

    [[nodiscard]] const std::string& about() const noexcept { return about_; }
    [[nodiscard]] const std::vector<timed_case>& cases() const noexcept { return cases_; }

    /// How long `iterations` of a case take.
    /// @throws io_error if it ends, or says something else than the above
    [[nodiscard]] answer time(const timed_case& which, std::int64_t iterations) {
        std::fprintf(to_, "%s %s %lld\n", which.name.c_str(), which.peer.c_str(), static_cast<long long>(iterations));
        std::fflush(to_);
        const std::string line = read_line();
        constexpr std::string_view error = "error ";
        if (line.starts_with(error)) {
            return {std::numeric_limits<double>::quiet_NaN(), line.substr(error.size())};
        }
        char* end = nullptr;
        const double value = std::strtod(line.c_str(), &end);
        if (end == line.c_str() || (*end != '\0' && *end != ' ') || !(value >= 0)) {
            throw io_error(command_, which.name + " " + which.peer, "seconds", line);
        }
        return {value, *end == ' ' ? end + 1 : ""};
    }

private:
    struct started {};

    /// Starts it, and reads nothing: if reading throws then, the destructor ends it.
    peer_program(started, std::string command) : command_(std::move(command)) {
        std::signal(SIGPIPE, SIG_IGN);  // its end is an error to report
        int in[2], out[2];
        if (::pipe(in) != 0 || ::pipe(out) != 0) {
            throw io_error(command_, "no pipes");
        }
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], 0);
        posix_spawn_file_actions_adddup2(&actions, out[1], 1);
        for (const int end : {in[0], in[1], out[0], out[1]}) {
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
        }
        std::string shell = "sh", flag = "-c", line = "exec " + command_;
        char* arguments[] = {shell.data(), flag.data(), line.data(), nullptr};
        const int problem = ::posix_spawn(&process_, "/bin/sh", &actions, nullptr, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
        ::close(in[0]);
        ::close(out[1]);
        to_ = ::fdopen(in[1], "w");
        from_ = ::fdopen(out[0], "r");
        if (problem != 0) {
            std::fclose(to_);
            std::fclose(from_);
            throw io_error(command_, "the program does not start");
        }
    }

    [[nodiscard]] std::string read_line() {
        std::string line;
        for (int c = std::fgetc(from_); c != '\n'; c = std::fgetc(from_)) {
            if (c == EOF) {
                throw io_error(command_, "the peer program ended", "a line", line);
            }
            line += static_cast<char>(c);
        }
        return line;
    }

    std::string command_;
    ::pid_t process_ = 0;
    std::FILE* to_ = nullptr;
    std::FILE* from_ = nullptr;
    std::string about_;
    std::vector<timed_case> cases_;
};

}  // namespace ddpm::bench
