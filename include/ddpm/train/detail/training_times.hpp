// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/options.hpp>
#include <ddpm/train/time_sampler.hpp>
#include <ddpm/train/timestep_sampler.hpp>

namespace ddpm::detail {

/// Which times of a continuous schedule are trained.
template <ContinuousSchedule Schedule>
[[nodiscard]] time_range training_times(const trainer_options& options, const Schedule& schedule) {
    return options.times.value_or(times_of(schedule));
}

/// What draws the times of a schedule, discrete or continuous.
/// @throws value_error if a range of times is given for timesteps, and as the samplers do
template <Scalar S, NoiseProcess Schedule>
[[nodiscard]] auto make_time_sampler(const trainer_options& options, const Schedule& schedule) {
    if constexpr (NoiseSchedule<Schedule>) {
        if (options.times) {
            throw value_error("trainer", "times", "none: the schedule has timesteps",
                              text(options.times->first, " to ", options.times->last));
        }
        return timestep_sampler<S>(options.timesteps, schedule, options.seed);
    } else {
        return time_sampler<Schedule>(options.timesteps, schedule, training_times(options, schedule), options.seed);
    }
}

}  // namespace ddpm::detail
