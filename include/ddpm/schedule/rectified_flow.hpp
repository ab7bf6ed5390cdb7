// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <cmath>
#include <limits>

namespace ddpm {

/// Rectified flow, a linear interpolation of data and noise: x = (1 − u) x_0 + u ε. The time is u = σ, from 0 (data) to
/// 1 (noise). The time passed to the network is time_scale · u; models of diffusers use 1000 u.
/// @source Liu et al. 2022, arXiv 2209.03003, equation 1; Lipman et al. 2022, arXiv 2210.02747
struct rectified_flow {
    double time_scale = 1;

    /// The noise level at time u.
    /// @throws value_error unless 0 ≤ u ≤ 1
    /// @accuracy α: at most one rounding (2⁻⁵³) of it; σ exact
    [[nodiscard]] noise_level<double> level(double u) const {
        detail::require_between("rectified_flow", "time", u, 0, 1);
        return {1 - u, u};
    }

    /// The time with σ/α = ratio; 1 if the ratio is infinite.
    /// @throws value_error unless ratio ≥ 0
    /// @accuracy at most 3 roundings of it
    [[nodiscard]] double time_of(double ratio) const {
        detail::require_between("rectified_flow", "sigma/alpha", ratio, 0, std::numeric_limits<double>::infinity());
        return std::isinf(ratio) ? 1 : ratio / (1 + ratio);
    }

    /// The time passed to the network: time_scale · u.
    /// @accuracy one rounding of it
    [[nodiscard]] double model_time(double u) const { return time_scale * u; }

    /// The derivative of ln(α²/σ²) with respect to the time: −2 / (u (1 − u)), −∞ at u = 0 and 1.
    /// @accuracy at most 4 roundings of it
    [[nodiscard]] double log_snr_slope(double u) const {
        const double product = u * (1 - u);
        return product == 0 ? -std::numeric_limits<double>::infinity() : -2 / product;
    }

    /// The derivatives of α and σ with respect to the time: −1 and 1.
    /// @accuracy exact
    [[nodiscard]] noise_level<double> level_slope(double) const { return {-1, 1}; }
};

}  // namespace ddpm
