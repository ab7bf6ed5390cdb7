// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

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

}  // namespace ddpm
