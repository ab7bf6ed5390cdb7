// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

namespace ddpm {

/// What a callback sees of a measurement that takes long: a bound, a likelihood, a distance of sample sets.
struct measurement_progress {
    double part;          ///< of the work that is done, up to 1; NaN where the length of the data is not known
    double seconds;       ///< since the beginning
    double seconds_left;  ///< at that speed
};

/// Called after each piece of the work, on the thread that asked for it; returning false stops the measurement. What was not
/// measured is then NaN, and a result that has a `finished` says so. Results do not depend on being watched.
using measurement_callback = std::function<bool(const measurement_progress&)>;

namespace detail {

/// A measurement on its way, which tells a callback, if there is one.
class measurement {
public:
    /// Of so much work, in any unit; NaN: it is not known how much.
    measurement(const measurement_callback& callback, double work)
        : callback_(callback), work_(work), started_(std::chrono::steady_clock::now()) {}
    measurement(const measurement&) = delete;
    measurement& operator=(const measurement&) = delete;

    /// Whether anybody wants to know: then work is done in pieces.
    [[nodiscard]] bool is_watched() const noexcept { return static_cast<bool>(callback_); }
    [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }

    /// Counts more work as done. Returns whether to go on.
    bool add(double work) { return reach(done_ + work); }

    /// So much work is done in all. Returns whether to go on.
    bool reach(double done) {
        done_ = done;
        if (callback_ && !stopped_) {
            const double part = work_ > 0 ? std::min(done / work_, 1.0) : std::numeric_limits<double>::quiet_NaN();
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
            stopped_ = !callback_({part > 1 - 1e-12 ? 1 : part, seconds, seconds * (1 - part) / part});
        }
        return !stopped_;
    }

private:
    const measurement_callback& callback_;
    double work_, done_ = 0;
    bool stopped_ = false;
    std::chrono::steady_clock::time_point started_;
};

}  // namespace detail

}  // namespace ddpm
