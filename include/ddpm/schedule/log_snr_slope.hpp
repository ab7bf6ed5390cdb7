// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/schedule/continuous_schedule.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>

namespace ddpm {

namespace detail {

/// The two times of the finite difference at u: u ± h with h = 1e-6 of the schedule's interval (1e-6 of u if the
/// interval has no end), clamped to the interval.
template <ContinuousSchedule S>
[[nodiscard]] time_range times_around(const S& schedule, double u) {
    const time_range times = times_of(schedule);
    const double h = 1e-6 * (std::isfinite(times.last) ? times.last - times.first : u - times.first);
    return {std::max(times.first, u - h), std::min(times.last, u + h)};
}

template <class S>
concept HasLogSnrSlope = requires(const S& schedule, double u) {
    { schedule.log_snr_slope(u) } -> std::convertible_to<double>;
};
template <class S>
concept NamesLogSnrSlope =
    requires(S& schedule, double u) { schedule.log_snr_slope(u); } || requires { &S::log_snr_slope; };

}  // namespace detail

/// The derivative of ln(α²/σ²) with respect to the schedule's time u, which is at most 0: its member log_snr_slope(u),
/// or without one a central difference with h = 1e-6 of the interval (of u if it has no end), one-sided at its ends.
/// Not finite where σ or α is 0.
/// @accuracy of the finite difference: h² times the third derivative, about 1e-6 relative for curves whose slope
/// changes on a scale of 1e-3 of the interval
/// @throws value_error if the schedule is not defined at u
template <ContinuousSchedule S>
[[nodiscard]] double log_snr_slope_at(const S& schedule, double u) {
    static_assert(!detail::NamesLogSnrSlope<S> || detail::HasLogSnrSlope<S>,
                  "ddpm: wanted as the member log_snr_slope of a schedule is: double log_snr_slope(double u) const");
    if constexpr (detail::HasLogSnrSlope<S>) {
        static_cast<void>(schedule.level(u));
        return schedule.log_snr_slope(u);
    } else {
        const auto [low, high] = detail::times_around(schedule, u);
        return 2 * (half_log_snr(schedule.level(high)) - half_log_snr(schedule.level(low))) / (high - low);
    }
}

}  // namespace ddpm
