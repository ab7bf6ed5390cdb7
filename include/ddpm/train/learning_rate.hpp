// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ddpm {

/// How the learning rate changes with the step: a linear warm-up over `warm_up_steps`, then a constant, or if
/// `total_steps` is given a cosine decay to 0 at that step. Later it stays 0, so that nothing more is learned. (In
/// diffusers the cosine rises again.)
struct learning_rate_schedule {
    isize warm_up_steps = 0;
    isize total_steps = 0;  ///< 0: no decay
};

/// @throws value_error unless 0 ≤ warm_up_steps, and total_steps is 0 or more than warm_up_steps
inline void require_valid(const learning_rate_schedule& schedule) {
    detail::require(schedule.warm_up_steps >= 0, "learning_rate_schedule", "warm_up_steps", {">= 0"},
                    {schedule.warm_up_steps});
    detail::require(schedule.total_steps == 0 || schedule.total_steps > schedule.warm_up_steps,
                    "learning_rate_schedule", "total_steps", {"0 or > ", schedule.warm_up_steps},
                    {schedule.total_steps});
}

/// The factor of the learning rate at a step. During the warm-up it is step / warm_up_steps, so that step 0 changes
/// nothing, as in diffusers.
/// @units step is 0-based
/// @accuracy in the warm-up at most one rounding (2⁻⁵³) of it, then 8 of 1
/// @source diffusers, get_constant_schedule_with_warmup and get_cosine_schedule_with_warmup
[[nodiscard]] inline double learning_rate_factor(const learning_rate_schedule& schedule, isize step) {
    if (step < schedule.warm_up_steps) {
        return static_cast<double>(step) / static_cast<double>(schedule.warm_up_steps);
    }
    if (schedule.total_steps == 0) {
        return 1;
    }
    const double progress = static_cast<double>(step - schedule.warm_up_steps) /
                            static_cast<double>(schedule.total_steps - schedule.warm_up_steps);
    return progress >= 1 ? 0 : std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress)));
}

}  // namespace ddpm
