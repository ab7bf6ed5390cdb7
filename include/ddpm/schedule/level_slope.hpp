// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_slope.hpp>

namespace ddpm {

/// The derivatives of α and σ with respect to the schedule's time u: its member level_slope(u), or without one a finite
/// difference as in log_snr_slope_at.
/// @accuracy of the finite difference: 1e-9 absolute, plus h² times the third derivative
/// @throws value_error if the schedule is not defined at u
template <ContinuousSchedule S>
[[nodiscard]] noise_level<double> level_slope_at(const S& schedule, double u) {
    static_cast<void>(schedule.level(u));
    if constexpr (requires { schedule.level_slope(u); }) {
        return schedule.level_slope(u);
    } else {
        const auto [first, last] = detail::times_around(schedule, u);
        const noise_level<double> low = schedule.level(first), high = schedule.level(last);
        return {(high.signal - low.signal) / (last - first), (high.sigma - low.sigma) / (last - first)};
    }
}

}  // namespace ddpm
