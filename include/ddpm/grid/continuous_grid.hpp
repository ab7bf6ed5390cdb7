// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// The grid with the given times of a continuous schedule; the run ends at the last one.
/// @throws value_error if a time is outside the schedule's interval, there are fewer than two, or the noise falls and
/// rises
/// @accuracy exact: what the schedule says
template <ContinuousSchedule Schedule>
[[nodiscard]] time_grid make_grid(const Schedule& schedule, std::span<const double> times) {
    std::vector<grid_point> points;
    points.reserve(times.size());
    for (const double u : times) {
        points.push_back({model_time_at(schedule, u), schedule.level(u)});
    }
    return time_grid(std::move(points));
}

/// The grid with the given falling noise-to-signal ratios σ/α of a continuous schedule, followed by x_0. For
/// `variance_exploding` the ratios are its σ.
/// @throws value_error if a ratio is outside the schedule's range, there is none, or they do not fall
/// @accuracy σ/α relative 1e-12 for variance_preserving, exact for variance_exploding
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
