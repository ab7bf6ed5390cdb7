// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>

#include <cmath>
#include <concepts>
#include <string_view>

namespace ddpm {

/// A schedule in continuous time: level(u) is the noise level of x = signal · x_0 + sigma · ε at time u; noise rises
/// with u. Its optional member model_time(u) is the time passed to the network; without it, u itself is passed.
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

/// The time passed to the network at time u of the schedule.
template <ContinuousSchedule S>
[[nodiscard]] double model_time_at(const S& schedule, double u) {
    if constexpr (requires { schedule.model_time(u); }) {
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

/// The interval on which a schedule is defined: its member times(), or [0, 1] without one.
template <ContinuousSchedule S>
[[nodiscard]] time_range times_of(const S& schedule) {
    if constexpr (requires { schedule.times(); }) {
        return schedule.times();
    } else {
        return {};
    }
}

namespace detail {

/// @throws value_error unless low ≤ value ≤ high
inline void require_between(std::string_view where, std::string_view what, double value, double low, double high) {
    if (!(value >= low && value <= high)) {
        throw value_error(where, what, text(low, " <= ", what, " <= ", high), value);
    }
}

/// @throws value_error unless α and σ are finite, not negative, and not both 0
inline void require_level(std::string_view where, const noise_level<double>& level) {
    if (!(level.signal >= 0 && level.sigma >= 0 && level.signal + level.sigma > 0 &&
          std::isfinite(level.signal + level.sigma))) {
        throw value_error(where, "level", "finite signal and sigma >= 0, not both 0",
                          text(level.signal, ", ", level.sigma));
    }
}

}  // namespace detail

}  // namespace ddpm
