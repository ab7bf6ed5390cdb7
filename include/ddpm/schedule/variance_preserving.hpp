// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <cmath>
#include <limits>

namespace ddpm {

/// The variance-preserving process in continuous time: β(u) = β_min + β_d · u, so that −ln ᾱ(u) = β_d u²/2 + β_min u.
/// Time runs from 0 (data) to 1 (noise); sampling commonly ends at 1e-3. The time passed to the network is
/// time_scale · u (999 u for models of score_sde).
/// @source Song et al. 2020, arXiv 2011.13456, equation 33; Karras et al. 2022, arXiv 2206.00364, table 1
struct variance_preserving {
    double beta_min = 0.1;
    double beta_d = 19.9;
    double time_scale = 1;

    /// The noise level at time u.
    /// @throws value_error unless 0 ≤ u < ∞
    /// @accuracy α: at most 3 + 3 |ln α| roundings (2⁻⁵³) of it; σ: 4
    [[nodiscard]] noise_level<double> level(double u) const {
        detail::require_between("variance_preserving", "time", u, 0, std::numeric_limits<double>::max());
        const double log_alpha_bar = -u * (beta_d * u / 2 + beta_min);
        return {std::exp(log_alpha_bar / 2), std::sqrt(-std::expm1(log_alpha_bar))};
    }

    /// The time with σ/α = ratio; 0 for ratio 0.
    /// @throws value_error unless 0 ≤ ratio < ∞
    /// @accuracy at most 20 roundings of it
    [[nodiscard]] double time_of(double ratio) const {
        detail::require_between("variance_preserving", "sigma/alpha", ratio, 0, std::numeric_limits<double>::max());
        // (√(2 β_d L + β_min²) − β_min) / β_d without cancellation. hypot is used since ratio² may overflow.
        const double decay = ratio < 1 ? std::log1p(ratio * ratio) : 2 * std::log(std::hypot(1.0, ratio));
        return 2 * decay / (beta_min + std::sqrt(beta_min * beta_min + 2 * beta_d * decay));
    }

    /// The time passed to the network: time_scale · u.
    /// @accuracy one rounding of it
    [[nodiscard]] double model_time(double u) const { return time_scale * u; }

    /// The derivative of ln(α²/σ²) with respect to the time: −β(u) / (1 − ᾱ(u)), −∞ at u = 0.
    /// @accuracy at most 10 roundings of it
    [[nodiscard]] double log_snr_slope(double u) const {
        const double fall = std::expm1(-u * (beta_d * u / 2 + beta_min));
        return fall == 0 ? -std::numeric_limits<double>::infinity() : (beta_d * u + beta_min) / fall;
    }

    /// The derivatives of α and σ with respect to the time; that of σ is infinite at u = 0.
    /// @throws value_error unless 0 ≤ u < ∞
    /// @accuracy each at most 16 + 6 |ln α| roundings of it
    [[nodiscard]] noise_level<double> level_slope(double u) const {
        const auto [signal, sigma] = level(u);
        const double half_beta = (beta_d * u + beta_min) / 2;
        const double rise = half_beta * signal * signal;
        return {-half_beta * signal, sigma == 0 ? std::numeric_limits<double>::infinity() : rise / sigma};
    }
};

}  // namespace ddpm
