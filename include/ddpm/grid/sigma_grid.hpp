// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/grid/time_grid.hpp>

#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// Options of a grid over noise-to-signal ratios of a discrete schedule.
struct sigma_grid_options {
    grid_end end = grid_end::zero_noise;  ///< the end point of the last step
    bool exploding = false;               ///< noise levels {1, σ} instead of variance-preserving ones
    bool whole_timesteps = false;         ///< rounds the network's times half to even, as diffusers' DPM-Solver
};

namespace detail {

/// The grid of points {t, σ/α}, followed by the end point.
[[nodiscard]] inline time_grid ratio_grid(const sigma_table& table,
                                          const std::vector<std::pair<double, double>>& points,
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

/// The grid with the given falling noise-to-signal ratios, and the end point. The time passed to the network is
/// time_of(σ) of the table, a fractional timestep.
/// @throws value_error if a σ is negative, there is none, or they do not fall, the end point included
/// @accuracy σ/α relative 1e-13 and α² + σ², if it is 1, within 1e-15; times as sigma_table::time_of
[[nodiscard]] inline time_grid sigma_grid(const sigma_table& table, std::span<const double> sigmas,
                                          const sigma_grid_options& options = {}) {
    std::vector<std::pair<double, double>> points;
    for (const double sigma : sigmas) {
        points.emplace_back(table.time_of(sigma), sigma);
    }
    return detail::ratio_grid(table, points, options);
}

/// As above, with the sigma_table of `schedule`.
/// @throws value_error as above
template <NoiseSchedule Schedule>
[[nodiscard]] time_grid sigma_grid(const Schedule& schedule, std::span<const double> sigmas,
                                   const sigma_grid_options& options = {}) {
    return sigma_grid(sigma_table(schedule), sigmas, options);
}

/// The grid with the given falling, possibly fractional times; σ is interpolated, as for Euler in diffusers.
/// @units timesteps are 0-based
/// @throws value_error unless the times fall within 0 … T − 1 and there is at least one
/// @accuracy at timesteps of a schedule in double α and σ within 1e-15 of the schedule's
[[nodiscard]] inline time_grid fractional_grid(const sigma_table& table, std::span<const double> timesteps,
                                               const sigma_grid_options& options = {}) {
    std::vector<std::pair<double, double>> points;
    for (const double t : timesteps) {
        points.emplace_back(t, table.sigma_at(t));
    }
    return detail::ratio_grid(table, points, options);
}

}  // namespace ddpm
