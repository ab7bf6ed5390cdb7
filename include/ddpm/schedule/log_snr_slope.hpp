// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/schedule/continuous_schedule.hpp>

#include <algorithm>
#include <cmath>

namespace ddpm {

namespace detail {

/// The times between which a derivative at time u is taken as a difference: two millionths of the schedule's times
/// apart (of u, if they never end), at their ends what is left of it.
template <ContinuousSchedule S>
[[nodiscard]] time_range times_around(const S& schedule, double u) {
    const time_range times = times_of(schedule);
    const double h = 1e-6 * (std::isfinite(times.last) ? times.last - times.first : u - times.first);
    return {std::max(times.first, u - h), std::min(times.last, u + h)};
}

}  // namespace detail

/// The derivative of ln(α²/σ²) with respect to the schedule's time, which is not above 0: what its member
/// log_snr_slope(u) says, without one a central difference over two millionths of its times (of u, if they never end),
/// at their ends over what is left of it. It is not finite where σ or α is 0.
/// @accuracy of a difference h² times the third derivative, some 1e-6 relative for curves that take 1e-3 of their times
/// to bend
/// @throws value_error if the schedule has no such time
template <ContinuousSchedule S>
[[nodiscard]] double log_snr_slope_at(const S& schedule, double u) {
    if constexpr (requires { schedule.log_snr_slope(u); }) {
        static_cast<void>(schedule.level(u));
        return schedule.log_snr_slope(u);
    } else {
        const auto [low, high] = detail::times_around(schedule, u);
        return 2 * (half_log_snr(schedule.level(high)) - half_log_snr(schedule.level(low))) / (high - low);
    }
}

}  // namespace ddpm
