// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <algorithm>
#include <functional>

namespace ddpm {

/// What the callback of a training receives after each step.
struct training_progress {
    isize step;                     ///< steps since the beginning, those before a resume included
    isize steps;                    ///< value of `step` at the end of this fit
    double loss;                    ///< of this step's batch
    double gradient_norm;           ///< before clipping; the loss if that is not finite
    double learning_rate;           ///< of this step
    double samples_per_second = 0;  ///< mean since the beginning of this fit
    double seconds_left = 0;        ///< until the end of this fit, at that speed
    bool skipped = false;           ///< this step changed nothing: see fit_options::most_skipped
};

/// Called after each step; returning false stops the training.
using training_callback = std::function<bool(const training_progress&)>;

namespace detail {

/// Adds the speed, given that this fit made `made` steps in `seconds`.
[[nodiscard]] inline training_progress with_speed(training_progress at, isize made, double seconds, isize batch) {
    const double steps_per_second = static_cast<double>(made) / std::max(seconds, 1e-9);
    at.samples_per_second = steps_per_second * static_cast<double>(batch);
    at.seconds_left = static_cast<double>(at.steps - at.step) / steps_per_second;
    return at;
}

}  // namespace detail

}  // namespace ddpm
