// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace ddpm {

namespace detail {

/// The noise levels of a discrete schedule as a function of a real timestep.
class schedule_levels {
public:
    template <NoiseSchedule Schedule>
    explicit schedule_levels(const Schedule& schedule) {
        for (isize t = 0; t < static_cast<isize>(schedule.steps()); ++t) {
            const auto [signal, sigma] = noise_level_at(schedule, t);
            levels_.push_back({static_cast<double>(signal), static_cast<double>(sigma)});
        }
    }

    [[nodiscard]] noise_level<double> operator()(double t) const {
        const isize last = static_cast<isize>(levels_.size()) - 1;
        if (!(t >= 0 && t <= static_cast<double>(last))) {
            throw value_error("level_function", "timestep", text("0 <= t <= ", last), t);
        }
        const double floor = std::floor(t), fraction = t - floor;
        const noise_level<double>& below = levels_[static_cast<std::size_t>(floor)];
        if (fraction == 0) {
            return below;
        }
        const noise_level<double>& above = levels_[static_cast<std::size_t>(floor) + 1];
        return variance_preserving_level(
            std::exp(-(1 - fraction) * half_log_snr(below) - fraction * half_log_snr(above)));
    }

private:
    std::vector<noise_level<double>> levels_;
};

}  // namespace detail

/// The noise level as a function of the time passed to a model: given time t, the model's input is x_t = α x_0 + σ ε.
/// Converts implicitly from a discrete schedule, or from any callable double → noise_level<double>.
class level_function {
public:
    /// The noise levels of a schedule of T timesteps. Between timesteps ln(σ/α) is interpolated linearly in t, and
    /// α² + σ² = 1, as for the fractional timesteps of diffusers' σ grids.
    /// @units t is 0-based
    /// @accuracy exact at timesteps; between them ln(σ/α) within 1e-13, and α² + σ² within 1e-15
    template <NoiseSchedule Schedule>
    level_function(const Schedule& schedule) : level_(detail::schedule_levels(schedule)) {}

    /// The noise levels of a continuous process, such as [](double t) { return noise_level<double>{1 - t, t}; }.
    template <class F>
        requires(!NoiseSchedule<F>) && (!std::same_as<std::remove_cvref_t<F>, level_function>) &&
                std::is_invocable_r_v<noise_level<double>, const F&, double>
    level_function(F level) : level_(std::move(level)) {}

    /// @throws value_error unless α and σ at t are finite, ≥ 0, and not both 0; for a schedule, unless 0 ≤ t ≤ T − 1
    [[nodiscard]] noise_level<double> operator()(double t) const {
        const noise_level<double> level = level_(t);
        detail::require_level("level_function", level);
        return level;
    }

private:
    std::function<noise_level<double>(double)> level_;
};

}  // namespace ddpm
