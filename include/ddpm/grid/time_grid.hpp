// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/concept.hpp>
// IWYU pragma: end_exports
#include <ddpm/grid/timesteps.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// A point of a sampler's grid.
struct grid_point {
    double t;                   ///< the time passed to the model: a discrete schedule's 0-based timestep; −1 is x_0
    noise_level<double> level;  ///< x_t = signal · x_0 + sigma · ε
};

/// The points that a sampler visits: it evaluates the network at all except the last, where it ends. The noise falls
/// from point to point, or rises, for inversion.
class time_grid {
public:
    /// @throws value_error unless there are at least two points, α and σ are finite, not both 0, and 0 or at least
    /// 10⁻¹⁵⁰ (the square of a smaller number is 0), and σ/α never rises or never falls
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

    /// The number of steps: intervals between points.
    [[nodiscard]] isize steps() const noexcept { return static_cast<isize>(points_.size()) - 1; }

    /// Point k, 0 ≤ k ≤ steps().
    [[nodiscard]] const grid_point& operator[](isize k) const { return points_[static_cast<std::size_t>(k)]; }

    /// How many points of the original grid come before the first point of this one.
    [[nodiscard]] isize skipped() const noexcept { return skipped_; }

    /// The grid from point k on, for a run that starts at samples with less noise.
    /// @throws value_error unless 0 ≤ k < steps()
    [[nodiscard]] time_grid from(isize k) const {
        if (k < 0 || k >= steps()) {
            throw value_error("time_grid::from", "first point", detail::text("0 <= k < ", steps()), k);
        }
        time_grid rest(std::vector<grid_point>(points_.begin() + k, points_.end()));
        rest.skipped_ = skipped_ + k;
        return rest;
    }

    /// The same points in reverse order.
    [[nodiscard]] time_grid reversed() const {
        std::vector<grid_point> points;
        for (isize k = steps(); k >= 0; --k) {
            points.push_back((*this)[k]);
        }
        return time_grid(std::move(points));
    }

private:
    static constexpr double least_level = 1e-150;

    std::vector<grid_point> points_;
    isize skipped_ = 0;
};

/// The end point of a run over a discrete schedule.
enum class grid_end {
    zero_noise,   ///< at x_0 itself: α = 1, σ = 0
    least_noise,  ///< at t = 0 (set_alpha_to_one false, final_sigmas_type "sigma_min" of diffusers)
};

/// The grid with the given falling timesteps of a schedule, followed by the end point.
/// @units timesteps are 0-based
/// @throws value_error unless the timesteps fall strictly within 0 … T − 1
/// @accuracy exact: the levels of noise_level_at
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
