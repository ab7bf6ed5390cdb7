// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>

#include <concepts>

namespace ddpm {

/// A schedule in continuous time: level(u) is the noise level of x = signal · x_0 + sigma · ε at time u; noise rises
/// with u.
///
/// Optional members, all const: `model_time(u)`, a double, is the time passed to the network (without it u itself is
/// passed); `times()`, a time_range, is the interval on which the schedule is defined (without it [0, 1]);
/// `level_slope(u)` and `log_snr_slope(u)` are the derivatives that level_slope_at and log_snr_slope_at return. A public
/// member of such a name with another signature does not compile where it would be used: it would have no effect.
template <class S>
concept ContinuousSchedule = requires(const S& schedule, const double u) {
    { schedule.level(u) } -> std::same_as<noise_level<double>>;
    { schedule.level(double(u)) } -> std::same_as<noise_level<double>>;
};

/// A continuous schedule with time_of(σ/α), the inverse: the time that has a given noise-to-signal ratio.
template <class S>
concept InvertibleSchedule = ContinuousSchedule<S> && requires(const S& schedule, const double ratio) {
    { schedule.time_of(ratio) } -> std::same_as<double>;
    { schedule.time_of(double(ratio)) } -> std::same_as<double>;
};

namespace detail {

template <class S>
concept HasModelTime = requires(const S& schedule, double u) {
    { schedule.model_time(u) } -> std::convertible_to<double>;
};
template <class S>
concept NamesModelTime = requires(S& schedule, double u) { schedule.model_time(u); } || requires { &S::model_time; };

}  // namespace detail

/// The time passed to the network at time u of the schedule.
/// @accuracy exact: what model_time gives, or u
template <ContinuousSchedule S>
[[nodiscard]] double model_time_at(const S& schedule, double u) {
    static_assert(!detail::NamesModelTime<S> || detail::HasModelTime<S>,
                  "ddpm: wanted as the member model_time of a schedule is: double model_time(double u) const");
    if constexpr (detail::HasModelTime<S>) {
        return schedule.model_time(u);
    } else {
        return u;
    }
}

/// An interval of times of a continuous schedule, from the least noisy to the noisiest.
struct time_range {
    double first = 0;
    double last = 1;
};

namespace detail {

template <class S>
concept HasTimes = requires(const S& schedule) {
    { schedule.times() } -> std::convertible_to<time_range>;
};
template <class S>
concept NamesTimes = requires(S& schedule) { schedule.times(); } || requires { &S::times; };

}  // namespace detail

/// The interval on which a schedule is defined: its member times(), or [0, 1] without one.
/// @accuracy exact
template <ContinuousSchedule S>
[[nodiscard]] time_range times_of(const S& schedule) {
    static_assert(!detail::NamesTimes<S> || detail::HasTimes<S>,
                  "ddpm: wanted as the member times of a schedule is: time_range times() const");
    if constexpr (detail::HasTimes<S>) {
        return schedule.times();
    } else {
        return {};
    }
}

}  // namespace ddpm
