// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <csignal>

namespace examples {

/// Catches Ctrl-C (and the polite `kill`) while it lives, so that a program can finish what it is doing. The second one
/// ends the program at once.
class interrupt_watch {
public:
    interrupt_watch() {
        flag() = 0;
        interrupt_before_ = std::signal(SIGINT, on_signal);
        terminate_before_ = std::signal(SIGTERM, on_signal);
    }
    interrupt_watch(const interrupt_watch&) = delete;
    interrupt_watch& operator=(const interrupt_watch&) = delete;
    ~interrupt_watch() {
        std::signal(SIGINT, interrupt_before_);
        std::signal(SIGTERM, terminate_before_);
    }

    [[nodiscard]] bool interrupted() const noexcept { return flag() != 0; }

private:
    using handler = void (*)(int);

    static volatile std::sig_atomic_t& flag() noexcept {
        static volatile std::sig_atomic_t value = 0;
        return value;
    }

    static void on_signal(int signal) {
        flag() = 1;
        std::signal(signal, SIG_DFL);
    }

    handler interrupt_before_;
    handler terminate_before_;
};

}  // namespace examples
