// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// The grid over times of a continuous schedule, the last of which is where a run ends.
/// @throws value_error if a time is outside the schedule's range, there are fewer than two, or they go up and down
template <ContinuousSchedule Schedule>
[[nodiscard]] time_grid make_grid(const Schedule& schedule, std::span<const double> times) {
    std::vector<grid_point> points;
    points.reserve(times.size());
    for (const double u : times) {
        points.push_back({model_time_at(schedule, u), schedule.level(u)});
    }
    return time_grid(std::move(points));
}

/// The grid over noise ratios σ/α of a continuous schedule, falling, then to the data. For `variance_exploding` they
/// are its σ.
/// @throws value_error if a ratio is outside the schedule's range, there is none, or they do not fall
template <InvertibleSchedule Schedule>
[[nodiscard]] time_grid sigma_grid(const Schedule& schedule, std::span<const double> sigmas) {
    std::vector<double> times;
    times.reserve(sigmas.size() + 1);
    for (const double sigma : sigmas) {
        times.push_back(schedule.time_of(sigma));
    }
    times.push_back(schedule.time_of(0));
    return make_grid(schedule, times);
}

}  // namespace ddpm
