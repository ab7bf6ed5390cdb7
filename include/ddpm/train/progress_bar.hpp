// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/function_ref.hpp>
#include <ddpm/core/measurement.hpp>
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

/// "[===                     ] ", where `part` is the finished fraction.
[[nodiscard]] inline std::string bar_text(double part) {
    constexpr double width = 24;
    std::string bar(static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * width), '=');
    bar.resize(static_cast<std::size_t>(width), ' ');
    return '[' + bar + "] ";
}

/// " 500/4000 [===                     ] ", or "step  500/4000  " without a bar.
[[nodiscard]] inline std::string counter_text(isize step, isize steps, bool with_bar) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%*td/%td ", static_cast<int>(std::to_string(steps).size()), step, steps);
    if (!with_bar) {
        return std::string("step ") + text.data() + ' ';
    }
    return text.data() + bar_text(steps > 0 ? static_cast<double>(step) / static_cast<double>(steps) : 1);
}

/// One line: step, bar, loss, speed, time left.
[[nodiscard]] inline std::string progress_text(const training_progress& p, bool with_bar = true) {
    std::array<char, 128> text{};
    std::snprintf(text.data(), text.size(), "loss %.4f  %.0f samples/s  %s left", p.loss, p.samples_per_second,
                  clock_text(p.seconds_left).c_str());
    return counter_text(p.step, p.steps, with_bar) + text.data();
}

/// The same for a measurement: bar, percentage and time left; if the total is unknown, the time so far.
[[nodiscard]] inline std::string progress_text(const measurement_progress& p, bool with_bar = true) {
    if (std::isnan(p.part)) {
        return clock_text(p.seconds);
    }
    std::array<char, 96> text{};
    std::snprintf(text.data(), text.size(), "%.0f %%  %s left", 100 * p.part, clock_text(p.seconds_left).c_str());
    return (with_bar ? bar_text(p.part) : std::string()) + text.data();
}

}  // namespace detail

/// Shows the progress of a training, a measurement or a sampling run. On a terminal it redraws one line, at most ten
/// times per second; elsewhere it writes a new line every ten seconds and one at the end. Copies share one display.
class progress_bar {
public:
    /// Writes to stderr.
    progress_bar()
        : display_(::isatty(STDERR_FILENO) != 0 ? std::make_shared<display>(std::cerr)
                                                : std::make_shared<display>(std::cerr, std::chrono::seconds(10))) {}

    /// Redraws one line on another stream; nothing unless `visible`.
    progress_bar(std::ostream& out, bool visible) : display_(visible ? std::make_shared<display>(out) : nullptr) {}

    /// Writes lines to another stream, one per interval `between` and one at the end.
    progress_bar(std::ostream& out, std::chrono::milliseconds between)
        : display_(std::make_shared<display>(out, between)) {}

    /// Shows the progress of a training, a measurement, or (a step_callback) a sampler.
    /// @returns true: it never stops anything
    bool operator()(const training_progress& now) const {
        return show(now.step >= now.steps, [&](bool with_bar) { return detail::progress_text(now, with_bar); });
    }
    bool operator()(const measurement_progress& now) const {
        return show(now.part >= 1, [&](bool with_bar) { return detail::progress_text(now, with_bar); });
    }
    template <class Step>
        requires requires(const Step& now) {
            now.step;
            now.steps;
            now.xt;
        }
    bool operator()(const Step& now) const {
        const double per_step = display_ ? display_->seconds_per_step(now.step) : 0;
        return show(now.step + 1 >= now.steps, [&](bool with_bar) {
            return detail::counter_text(now.step + 1, now.steps, with_bar) +
                   detail::clock_text(per_step * static_cast<double>(now.steps - now.step - 1)) + " left";
        });
    }

private:
    using clock = std::chrono::steady_clock;

    class display {
    public:
        explicit display(std::ostream& out) : out_(out), draws_bar_(true), between_(100) {}
        display(std::ostream& out, std::chrono::milliseconds between)
            : out_(out), draws_bar_(false), between_(between) {}
        display(const display&) = delete;
        display& operator=(const display&) = delete;
        ~display() {
            if (length_ > 0) {
                out_ << '\n' << std::flush;
            }
        }

        /// The mean duration of steps 1 … `step` of a sampling run; not finite at step 0, when the clock starts.
        [[nodiscard]] double seconds_per_step(isize step) {
            if (step == 0) {
                first_ = clock::now();
            }
            return std::chrono::duration<double>(clock::now() - first_).count() / static_cast<double>(step);
        }

        /// Writes the text of make(with_bar) if it is the last one, or `between` has passed since the one before.
        void show(bool last, function_ref<std::string(bool)> make) {
            const auto now = clock::now();
            if (!begun_) {
                begun_ = true;
                shown_ = draws_bar_ ? now - between_ : now;  // a bar appears at once
            }
            if (!last && now - shown_ < between_) {
                return;
            }
            const std::string text = make(draws_bar_);
            if (draws_bar_) {
                // Spaces overwrite the rest of a longer line.
                out_ << '\r' << text << std::string(length_ > text.size() ? length_ - text.size() : 0, ' ');
            } else {
                out_ << text;
            }
            out_ << (last || !draws_bar_ ? "\n" : "") << std::flush;
            length_ = last || !draws_bar_ ? 0 : text.size();
            begun_ = !last;
            shown_ = now;
        }

    private:
        std::ostream& out_;
        bool draws_bar_;
        std::chrono::milliseconds between_;
        clock::time_point first_{}, shown_{};
        bool begun_ = false;
        std::size_t length_ = 0;  // of the unfinished line
    };

    bool show(bool last, function_ref<std::string(bool)> make) const {
        if (display_) {
            display_->show(last, make);
        }
        return true;
    }

    std::shared_ptr<display> display_;
};

}  // namespace ddpm
