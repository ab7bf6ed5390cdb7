// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <concepts>
#include <limits>

namespace ddpm {

/// The noise level of x = signal · x_0 + sigma · ε: the pair (α, σ), √ᾱ_t and √(1 − ᾱ_t) for a discrete chain.
template <std::floating_point Real>
struct noise_level {
    Real signal;
    Real sigma;
};

/// @source Ho et al. 2020, arXiv 2006.11239, equation 4
template <std::floating_point Real>
[[nodiscard]] noise_level<Real> noise_level_of(Real alpha_bar) noexcept {
    return {std::sqrt(alpha_bar), std::sqrt(1 - alpha_bar)};
}

/// σ/α, the noise per signal; ∞ where there is no signal.
[[nodiscard]] inline double noise_ratio(const noise_level<double>& level) noexcept {
    return level.signal == 0 ? std::numeric_limits<double>::infinity() : level.sigma / level.signal;
}

/// λ = ln(α/σ), half the logarithm of the signal-to-noise ratio: the time in which the solvers of exponential integrators
/// step. ∞ where there is no noise, −∞ where there is no signal.
[[nodiscard]] inline double half_log_snr(const noise_level<double>& level) noexcept {
    return std::log(level.signal) - std::log(level.sigma);
}

/// The level with σ/α = ratio of a chain that preserves the variance: α² + σ² = 1.
[[nodiscard]] inline noise_level<double> variance_preserving_level(double ratio) noexcept {
    const double signal = 1 / std::sqrt(1 + ratio * ratio);
    return {signal, std::isinf(ratio) ? 1 : ratio * signal};
}

}  // namespace ddpm
