// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/concept.hpp>

#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// How a grid over the noise ratios of a discrete schedule is made.
struct sigma_grid_options {
    grid_end end = grid_end::zero_noise;
    bool exploding = false;        ///< levels {1, σ}, where samples keep their scale, instead of the schedule's own
    bool whole_timesteps = false;  ///< the network is told the nearest timestep (half to even): DPM-Solver of diffusers
};

namespace detail {

/// The grid of points {t, σ/α}, then the end.
[[nodiscard]] inline time_grid ratio_grid(const sigma_table& table, const std::vector<std::pair<double, double>>& points,
                                          const sigma_grid_options& options) {
    const auto level = [&](double ratio) {
        return options.exploding ? noise_level<double>{1, ratio} : variance_preserving_level(ratio);
    };
    std::vector<grid_point> grid;
    grid.reserve(points.size() + 1);
    for (const auto& [t, ratio] : points) {
        grid.push_back({options.whole_timesteps ? std::nearbyint(t) : t, level(ratio)});
    }
    grid.push_back(options.end == grid_end::zero_noise ? grid_point{-1, {1, 0}}
                                                       : grid_point{0, level(table.range().lowest)});
    return time_grid(std::move(grid));
}

}  // namespace detail

/// The grid over falling noise ratios; the network is told their times in the table, between timesteps.
/// @throws value_error if a σ is negative, there is none, or they do not fall, the end included
[[nodiscard]] inline time_grid sigma_grid(const sigma_table& table, std::span<const double> sigmas,
                                          const sigma_grid_options& options = {}) {
    std::vector<std::pair<double, double>> points;
    for (const double sigma : sigmas) {
        points.emplace_back(table.time_of(sigma), sigma);
    }
    return detail::ratio_grid(table, points, options);
}

/// The same over a schedule whose table is made for it.
/// @throws value_error as above
template <NoiseSchedule Schedule>
[[nodiscard]] time_grid sigma_grid(const Schedule& schedule, std::span<const double> sigmas,
                                   const sigma_grid_options& options = {}) {
    return sigma_grid(sigma_table(schedule), sigmas, options);
}

/// The grid over falling times that may lie between timesteps, with σ interpolated: diffusers' timesteps for Euler.
/// @units timesteps are 0-based
/// @throws value_error unless the times fall within 0 … T − 1 and there is at least one
[[nodiscard]] inline time_grid fractional_grid(const sigma_table& table, std::span<const double> timesteps,
                                               const sigma_grid_options& options = {}) {
    std::vector<std::pair<double, double>> points;
    for (const double t : timesteps) {
        points.emplace_back(t, table.sigma_at(t));
    }
    return detail::ratio_grid(table, points, options);
}

}  // namespace ddpm
