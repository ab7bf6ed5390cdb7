// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/train/progress.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <ostream>
#include <string>

namespace ddpm {

namespace detail {

/// 0:07, 12:34 or 3:07:09.
[[nodiscard]] inline std::string clock_text(double seconds) {
    if (!(seconds >= 0 && seconds < 3.6e8)) {
        return "-:--";
    }
    const long whole = std::lround(seconds);
    std::array<char, 32> text{};
    if (whole >= 3600) {
        std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    } else {
        std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
    }
    return text.data();
}

/// One line: step, bar, loss, speed, time left.
[[nodiscard]] inline std::string progress_text(const training_progress& p) {
    constexpr double width = 24;
    const double part =
        p.steps > 0 ? std::clamp(static_cast<double>(p.step) / static_cast<double>(p.steps), 0.0, 1.0) : 1.0;
    std::string bar(static_cast<std::size_t>(part * width), '=');
    bar.resize(static_cast<std::size_t>(width), ' ');
    std::array<char, 160> text{};
    std::snprintf(text.data(), text.size(), "%*td/%td [%s] loss %.4f  %.0f samples/s  %s left",
                  static_cast<int>(std::to_string(p.steps).size()), p.step, p.steps, bar.c_str(), p.loss,
                  p.samples_per_second, clock_text(p.seconds_left).c_str());
    return text.data();
}

}  // namespace detail

/// Draws the progress of a training as one line on stderr, at most ten times a second; silent where that is no
/// terminal. Copies draw on the same line.
class progress_bar {
public:
    progress_bar() : progress_bar(std::cerr, ::isatty(STDERR_FILENO) != 0) {}

    /// Draws on another stream, if `visible`.
    progress_bar(std::ostream& out, bool visible) : line_(visible ? std::make_shared<line>(out) : nullptr) {}

    /// @returns true: a bar stops nothing
    bool operator()(const training_progress& progress) const {
        if (line_) {
            line_->draw(progress);
        }
        return true;
    }

private:
    class line {
    public:
        explicit line(std::ostream& out) : out_(out) {}
        line(const line&) = delete;
        line& operator=(const line&) = delete;
        ~line() {
            if (open_) {
                out_ << '\n' << std::flush;
            }
        }

        void draw(const training_progress& progress) {
            const auto now = std::chrono::steady_clock::now();
            const bool last = progress.step >= progress.steps;
            if (open_ && !last && now - drawn_ < std::chrono::milliseconds(100)) {
                return;
            }
            const std::string text = detail::progress_text(progress);
            // Spaces wipe out what is left of a longer line.
            out_ << '\r' << text << std::string(length_ > text.size() ? length_ - text.size() : 0, ' ');
            out_ << (last ? "\n" : "") << std::flush;
            length_ = last ? 0 : text.size();
            open_ = !last;
            drawn_ = now;
        }

    private:
        std::ostream& out_;
        std::chrono::steady_clock::time_point drawn_{};
        std::size_t length_ = 0;
        bool open_ = false;
    };

    std::shared_ptr<line> line_;
};

}  // namespace ddpm
