// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <cmath>
#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace ddpm {

/// A function from the noise-to-signal ratio σ/α to a grid point, for solvers that choose their own steps. Converts
/// implicitly from a continuous schedule, a discrete one, or any callable double → grid_point.
class noise_path {
public:
    /// The points of a continuous schedule with time_of.
    template <InvertibleSchedule Schedule>
    noise_path(const Schedule& schedule)
        : point_at_([schedule](double ratio) {
              const double u = schedule.time_of(ratio);
              return grid_point{model_time_at(schedule, u), schedule.level(u)};
          }) {}

    /// The points of a discrete schedule, and between its timesteps ln(σ/α) linear in the time passed to the network;
    /// outside the schedule's range that time is the first or last timestep. α² + σ² = 1.
    /// @units the time is a 0-based timestep, possibly fractional
    template <NoiseSchedule Schedule>
    noise_path(const Schedule& schedule)
        : point_at_([table = sigma_table(schedule)](double ratio) {
              return grid_point{table.time_of(ratio), variance_preserving_level(ratio)};
          }) {}

    template <class F>
        requires(!NoiseSchedule<F>) && (!InvertibleSchedule<F>) &&
                (!std::same_as<std::remove_cvref_t<F>, noise_path>) &&
                std::is_invocable_r_v<grid_point, const F&, double>
    noise_path(F point_at) : point_at_(std::move(point_at)) {}

    /// The point with σ/α = ratio.
    /// @throws value_error unless 0 < ratio < ∞, and the point has that ratio within a relative 1e-6
    /// @accuracy for schedules σ/α relative 1e-12, and at discrete timesteps the time within 1e-9
    [[nodiscard]] grid_point operator()(double ratio) const {
        if (!(ratio > 0 && std::isfinite(ratio))) {
            throw value_error("noise_path", "sigma/alpha", "> 0 and finite", ratio);
        }
        const grid_point point = point_at_(ratio);
        if (!(std::abs(noise_ratio(point.level) - ratio) <= 1e-6 * ratio)) {
            throw value_error("noise_path", "sigma/alpha of the point", ratio, noise_ratio(point.level));
        }
        return point;
    }

private:
    std::function<grid_point(double)> point_at_;
};

}  // namespace ddpm
