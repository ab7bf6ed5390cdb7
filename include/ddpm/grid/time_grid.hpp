// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/timesteps.hpp>
#include <ddpm/schedule/concept.hpp>

#include <cmath>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// A point of the way between noise and data.
struct grid_point {
    double t;                ///< the model's time: of a discrete schedule the 0-based timestep; −1 is x_0 itself
    noise_level<double> level;  ///< x = signal · x_0 + sigma · ε there
};

/// The points that a sampler visits: it evaluates the network at all but the last, where it ends. Noise falls from point to
/// point, or rises, to invert a sampler.
class time_grid {
public:
    /// @throws value_error unless there are at least two points, their α and σ are finite, 0 or at least 10⁻¹⁵⁰ (below, the
    /// squares that samplers compute with are 0), not both 0, and σ/α never rises, or never falls
    explicit time_grid(std::vector<grid_point> points) : points_(std::move(points)) {
        if (points_.size() < 2) {
            throw value_error("time_grid", "number of points", ">= 2", points_.size());
        }
        bool falls = true, rises = true;
        for (std::size_t k = 0; k < points_.size(); ++k) {
            const noise_level<double>& level = points_[k].level;
            const auto is_level = [](double value) { return value == 0 || value >= least_level; };
            if (!(is_level(level.signal) && is_level(level.sigma) && level.signal + level.sigma > 0 &&
                  std::isfinite(level.signal + level.sigma))) {
                throw value_error("time_grid", detail::text("level of point ", k),
                                  "signal and sigma finite, 0 or >= 1e-150, not both 0",
                                  detail::text(level.signal, ", ", level.sigma));
            }
            if (k > 0) {
                const double before = noise_ratio(points_[k - 1].level), here = noise_ratio(level);
                falls = falls && here <= before;
                rises = rises && here >= before;
                if (!falls && !rises) {
                    throw value_error("time_grid", detail::text("sigma/alpha of point ", k),
                                      "falling from point to point, or rising", here);
                }
            }
        }
    }

    /// The number of intervals.
    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(points_.size()) - 1; }

    /// Point k of 0 … steps().
    [[nodiscard]] const grid_point& operator[](isize k) const { return points_[static_cast<std::size_t>(k)]; }

    /// How many points of a longer grid lie before this one's first.
    [[nodiscard]] isize skipped() const noexcept { return skipped_; }

    /// The rest of the grid from point k on: where a run starts that begins at samples with less noise.
    /// @throws value_error unless 0 ≤ k < steps()
    [[nodiscard]] time_grid from(isize k) const {
        if (k < 0 || k >= steps()) {
            throw value_error("time_grid::from", "first point", detail::text("0 <= k < ", steps()), k);
        }
        time_grid rest(std::vector<grid_point>(points_.begin() + k, points_.end()));
        rest.skipped_ = skipped_ + k;
        return rest;
    }

    /// The same points from the last to the first.
    [[nodiscard]] time_grid reversed() const { return time_grid(std::vector<grid_point>(points_.rbegin(), points_.rend())); }

private:
    static constexpr double least_level = 1e-150;

    std::vector<grid_point> points_;
    isize skipped_ = 0;
};

/// Where a run over a discrete schedule ends.
enum class grid_end {
    zero_noise,   ///< at x_0 itself: α = 1, σ = 0
    least_noise,  ///< at the level of t = 0 (set_alpha_to_one false, final_sigmas_type "sigma_min" of diffusers)
};

/// The grid over falling timesteps of a schedule; each step goes to the next one in the list, the last to the end.
/// @units timesteps are 0-based
/// @throws value_error unless the timesteps fall strictly within 0 … T − 1
template <NoiseSchedule Schedule>
[[nodiscard]] time_grid make_grid(const Schedule& schedule, std::span<const isize> timesteps,
                                  grid_end end = grid_end::zero_noise) {
    require_timesteps("make_grid", timesteps, schedule.steps());
    const auto level = [&](isize t) {
        const auto [signal, sigma] = noise_level_at(schedule, t);
        return noise_level<double>{static_cast<double>(signal), static_cast<double>(sigma)};
    };
    std::vector<grid_point> points;
    points.reserve(timesteps.size() + 1);
    for (const isize t : timesteps) {
        points.push_back({static_cast<double>(t), level(t)});
    }
    points.push_back(end == grid_end::zero_noise ? grid_point{-1, {1, 0}} : grid_point{0, level(0)});
    return time_grid(std::move(points));
}

}  // namespace ddpm
