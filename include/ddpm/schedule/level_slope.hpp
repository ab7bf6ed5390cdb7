// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_slope.hpp>

namespace ddpm {

/// The derivatives of α and σ with respect to the schedule's time: what its member level_slope(u) says, without one
/// central differences over two millionths of its times, as log_snr_slope_at takes them.
/// @accuracy of differences 1e-9 absolute, and h² times the third derivative
/// @throws value_error if the schedule has no such time
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
