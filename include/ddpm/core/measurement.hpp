// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <limits>

namespace ddpm {

/// The progress, for a callback, of a long computation: a bound, a likelihood, a distance between sample sets.
struct measurement_progress {
    double part;          ///< fraction of the work that is done, up to 1; NaN if the total is not known
    double seconds;       ///< elapsed
    double seconds_left;  ///< estimated from the speed so far
};

/// Called after each piece of the work, on the thread that started it. If it returns false, the computation stops: what
/// is not yet computed is NaN, and a member `finished` of the result is false. A callback never changes the results.
using measurement_callback = std::function<bool(const measurement_progress&)>;

namespace detail {

/// Counts the work of a computation and reports its progress to the callback, if there is one.
class measurement {
public:
    /// @param work the total amount of work, in any unit; NaN if it is not known
    measurement(const measurement_callback& callback, double work)
        : callback_(callback), work_(work), started_(std::chrono::steady_clock::now()) {}
    measurement(const measurement&) = delete;
    measurement& operator=(const measurement&) = delete;

    /// Whether there is a callback, in which case the work is done in pieces.
    [[nodiscard]] bool is_watched() const noexcept { return static_cast<bool>(callback_); }
    [[nodiscard]] bool is_stopped() const noexcept { return stopped_; }

    /// Adds to the work that is done. Returns false if the computation must stop.
    bool add(double work) { return reach(done_ + work); }

    /// Sets the amount of work that is done. Returns false if the computation must stop.
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
