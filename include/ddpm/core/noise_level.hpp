// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <limits>

namespace ddpm {

/// The noise level (α, σ) of x = signal · x_0 + sigma · ε; for a discrete chain √ᾱ_t and √(1 − ᾱ_t).
template <std::floating_point Real>
struct noise_level {
    Real signal;
    Real sigma;
};

/// The noise level (√ᾱ, √(1 − ᾱ)) of q(x_t|x_0).
/// @source Ho et al. 2020, arXiv 2006.11239, equation 4
/// @accuracy α at most one rounding (2⁻²⁴ in float, 2⁻⁵³ in double) of it, σ 2
template <std::floating_point Real>
[[nodiscard]] noise_level<Real> noise_level_of(Real alpha_bar) noexcept {
    return {std::sqrt(alpha_bar), std::sqrt(1 - alpha_bar)};
}

/// The noise-to-signal ratio σ/α; ∞ where α = 0.
/// @accuracy at most one rounding (2⁻⁵³) of it, unless it underflows
[[nodiscard]] inline double noise_ratio(const noise_level<double>& level) noexcept {
    return level.signal == 0 ? std::numeric_limits<double>::infinity() : level.sigma / level.signal;
}

/// λ = ln(α/σ), half the logarithm of the signal-to-noise ratio: the time variable of exponential integrators such as
/// DPM-Solver. ∞ where σ = 0, −∞ where α = 0.
/// @source Lu et al. 2022, arXiv 2206.00927
/// @accuracy at most 3 roundings (2⁻⁵³) of |ln α| + |ln σ|
[[nodiscard]] inline double half_log_snr(const noise_level<double>& level) noexcept {
    return std::log(level.signal) - std::log(level.sigma);
}

/// The variance-preserving noise level (α² + σ² = 1) with σ/α = ratio.
/// @accuracy α at most 3 roundings (2⁻⁵³) of it, σ 4, and σ/α one; unless α is subnormal
[[nodiscard]] inline noise_level<double> variance_preserving_level(double ratio) noexcept {
    const double square = ratio * ratio;
    if (std::isinf(square)) {
        return {1 / ratio, 1};
    }
    const double signal = 1 / std::sqrt(1 + square);
    return {signal, ratio * signal};
}

}  // namespace ddpm
