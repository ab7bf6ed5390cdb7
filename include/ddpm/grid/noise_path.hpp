// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <cmath>
#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace ddpm {

/// The levels that a process goes through, by their noise ratio σ/α: what solvers need that choose their own steps. Made
/// implicitly from a continuous schedule, from a discrete one, or from any callable double → grid_point.
class noise_path {
public:
    /// The levels of a continuous schedule that knows the times of ratios.
    template <InvertibleSchedule Schedule>
    noise_path(const Schedule& schedule)
        : point_at_([schedule](double ratio) {
              const double u = schedule.time_of(ratio);
              return grid_point{model_time_at(schedule, u), schedule.level(u)};
          }) {}

    /// The levels of a discrete schedule and those between, where ln(σ/α) is linear in the network's time; outside its
    /// range that time is the nearest timestep's. The variance is preserved.
    /// @units the network is told the 0-based timestep, of which there may be a fraction
    template <NoiseSchedule Schedule>
    noise_path(const Schedule& schedule)
        : point_at_([table = sigma_table(schedule)](double ratio) {
              return grid_point{table.time_of(ratio), variance_preserving_level(ratio)};
          }) {}

    template <class F>
        requires(!NoiseSchedule<F>) && (!InvertibleSchedule<F>) && (!std::same_as<std::remove_cvref_t<F>, noise_path>) &&
                std::is_invocable_r_v<grid_point, const F&, double>
    noise_path(F point_at) : point_at_(std::move(point_at)) {}

    /// The point at a ratio.
    /// @throws value_error unless 0 < ratio < ∞, and the point has that ratio, to a millionth
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
