// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <algorithm>
#include <chrono>
#include <functional>

namespace ddpm {

/// What a callback sees after each training step.
struct training_progress {
    isize step;                 ///< steps made since the beginning, those before a resume included
    isize steps;                ///< what `step` will be at the end of this fit
    double loss;                ///< of this step's batch
    double gradient_norm;       ///< before clipping
    double learning_rate;       ///< of this step
    double samples_per_second;  ///< since the beginning of this fit
    double seconds_left;        ///< at that speed
};

/// Called after each step; returning false stops the training.
using training_callback = std::function<bool(const training_progress&)>;

namespace detail {

/// Tells a callback of each step of a fit that began at step `first`.
class progress_report {
public:
    progress_report(isize first, isize batch) : first_(first), batch_(batch), started_(clock::now()) {}

    /// What the callback returns.
    [[nodiscard]] bool operator()(const training_callback& callback, isize step, isize end, double loss,
                                  double gradient_norm, double learning_rate) const {
        const double seconds = std::chrono::duration<double>(clock::now() - started_).count();
        const double steps_per_second = static_cast<double>(step - first_) / std::max(seconds, 1e-9);
        return callback({step, end, loss, gradient_norm, learning_rate, steps_per_second * static_cast<double>(batch_),
                         static_cast<double>(end - step) / steps_per_second});
    }

private:
    using clock = std::chrono::steady_clock;

    isize first_, batch_;
    clock::time_point started_;
};

}  // namespace detail

}  // namespace ddpm
