// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_slope.hpp>

#include <concepts>

namespace ddpm {

namespace detail {

template <class S>
concept HasLevelSlope = requires(const S& schedule, double u) {
    { schedule.level_slope(u) } -> std::convertible_to<noise_level<double>>;
};
template <class S>
concept NamesLevelSlope = requires(S& schedule, double u) { schedule.level_slope(u); } || requires { &S::level_slope; };

}  // namespace detail

/// The derivatives of α and σ with respect to the schedule's time u: its member level_slope(u), or without one a finite
/// difference as in log_snr_slope_at.
/// @accuracy of the finite difference: 1e-9 absolute, plus h² times the third derivative
/// @throws value_error if the schedule is not defined at u
template <ContinuousSchedule S>
[[nodiscard]] noise_level<double> level_slope_at(const S& schedule, double u) {
    static_assert(!detail::NamesLevelSlope<S> || detail::HasLevelSlope<S>,
                  "ddpm: wanted as the member level_slope of a schedule is: "
                  "noise_level<double> level_slope(double u) const");
    static_cast<void>(schedule.level(u));
    if constexpr (detail::HasLevelSlope<S>) {
        return schedule.level_slope(u);
    } else {
        const auto [first, last] = detail::times_around(schedule, u);
        const noise_level<double> low = schedule.level(first), high = schedule.level(last);
        return {(high.signal - low.signal) / (last - first), (high.sigma - low.sigma) / (last - first)};
    }
}

}  // namespace ddpm
