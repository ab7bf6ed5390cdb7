// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <string_view>
#include <type_traits>

namespace ddpm {

/// A schedule in discrete or in continuous time: all that drawing x_t, and training, need. One that is both counts as
/// discrete.
template <class S>
concept NoiseProcess = NoiseSchedule<S> || ContinuousSchedule<S>;

/// The type of a schedule's times: isize, the 0-based timestep of a discrete one; double, the time u of a continuous
/// one.
template <NoiseProcess S>
using time_type = std::conditional_t<NoiseSchedule<S>, isize, double>;

/// α and σ at time u of a continuous schedule.
/// @throws value_error if the schedule has no such time, or the level is not finite, negative, or both are 0
template <ContinuousSchedule S>
    requires(!NoiseSchedule<S>)
[[nodiscard]] marginal<double> marginal_at(const S& schedule, double u) {
    const marginal<double> level = schedule.level(u);
    detail::require_level("marginal_at", level);
    return level;
}

/// What the network is told at a timestep.
/// @units t is 0-based
template <NoiseSchedule S>
[[nodiscard]] double model_time_at(const S&, isize t) noexcept {
    return static_cast<double>(t);
}

/// @throws value_error unless the schedule has that time
template <NoiseProcess S>
void require_time(std::string_view where, const S& schedule, time_type<S> t) {
    if constexpr (NoiseSchedule<S>) {
        require_timestep(where, schedule, t);
    } else {
        static_cast<void>(marginal_at(schedule, t));
    }
}

}  // namespace ddpm
