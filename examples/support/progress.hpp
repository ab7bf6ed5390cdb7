// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/stopwatch.hpp"

#include <ddpm/core/measurement.hpp>
#include <ddpm/train/progress_bar.hpp>

#include <unistd.h>

#include <chrono>
#include <iostream>

namespace examples {

/// Shows how far a training or a sampling run is: as a bar on stderr where that is a terminal, and as a line every five
/// seconds on stdout unless both are terminals, so that a log tells it too.
class progress {
public:
    /// @returns true, as a callback that does not stop the run
    template <class Step>
    bool operator()(const Step& now) const {
        return bar_(now) && lines_(now);
    }

private:
    static bool is_terminal(int file) { return ::isatty(file) != 0; }

    ddpm::progress_bar bar_{std::cerr, is_terminal(STDERR_FILENO)};
    ddpm::progress_bar lines_ = is_terminal(STDOUT_FILENO) && is_terminal(STDERR_FILENO)
                                    ? ddpm::progress_bar(std::cout, false)
                                    : ddpm::progress_bar(std::cout, std::chrono::seconds(5));
};

/// The same for a loop: called once for each of `total` pieces of work.
class loop_progress {
public:
    explicit loop_progress(double total) : total_(total) {}

    void operator()() {
        const double part = ++done_ / total_, seconds = watch_.seconds();
        shown_(ddpm::measurement_progress{part, seconds, seconds * (1 - part) / part});
    }

private:
    double total_, done_ = 0;
    stopwatch watch_;
    progress shown_;
};

}  // namespace examples
