// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>
#include <stdexcept>
#include <string>

namespace examples {

/// Thrown where the user ends a program early, after what there is was saved: no failure, but no result either.
class stopped : public std::runtime_error {
public:
    stopped(const std::string& text, int signal) : std::runtime_error(text), signal_(signal) {}

    /// As a shell says it of a program that a signal ended: 130 for Ctrl-C.
    [[nodiscard]] int exit_code() const noexcept { return 128 + signal_; }

private:
    int signal_;
};

/// Catches Ctrl-C (and the polite `kill`) while it lives, so that a program can finish what it is doing. The second one
/// ends the program at once.
class interrupt_watch {
public:
    interrupt_watch() {
        caught() = 0;
        interrupt_before_ = std::signal(SIGINT, on_signal);
        terminate_before_ = std::signal(SIGTERM, on_signal);
    }
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;
    ~interrupt_watch() {
        std::signal(SIGINT, interrupt_before_);
        std::signal(SIGTERM, terminate_before_);
    }

    [[nodiscard]] bool interrupted() const noexcept { return caught() != 0; }

    /// @throws stopped with the text, if there was a signal
    void throw_if_interrupted(const std::string& text) const {
        if (interrupted()) {
            throw stopped(text, static_cast<int>(caught()));
        }
    }

private:
    using handler = void (*)(int);

    static volatile std::sig_atomic_t& caught() noexcept {
        static volatile std::sig_atomic_t signal = 0;
        return signal;
    }

    static void on_signal(int signal) {
        caught() = signal;
        std::signal(signal, SIG_DFL);
    }

    handler interrupt_before_;
    handler terminate_before_;
};

}  // namespace examples
