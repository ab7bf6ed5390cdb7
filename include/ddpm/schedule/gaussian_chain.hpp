// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>

#include <cmath>
#include <concepts>

namespace ddpm {

/// q(x_t|x_s) = N(scale · x_s, variance · I) for s < t.
template <std::floating_point Real>
struct transition {
    Real scale;
    Real variance;
};

/// q(x_s|x_t, x_0) = N(x0 · x_0 + xt · x_t, variance · I) for s < t.
template <std::floating_point Real>
struct posterior_coefficients {
    Real x0;
    Real xt;
    Real variance;
};

/// The transition q(x_t|x_s) from ᾱ_s to ᾱ_t; with ᾱ_s = 1, x_s is x_0.
/// @accuracy scale: at most 2 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of it; variance: one of 1
/// @source Kingma et al. 2021, arXiv 2107.00630, equations 23 and 24
template <std::floating_point Real>
[[nodiscard]] transition<Real> transition_between(Real alpha_bar_s, Real alpha_bar_t) noexcept {
    const Real alpha = alpha_bar_t / alpha_bar_s;
    return {std::sqrt(alpha), 1 - alpha};
}

/// The posterior q(x_s|x_t, x_0), given also α = ᾱ_t/ᾱ_s and β = 1 − α, which a table has without cancellation.
/// @accuracy each at most 6 roundings of it
/// @source Ho et al. 2020, arXiv 2006.11239, equation 7
template <std::floating_point Real>
[[nodiscard]] posterior_coefficients<Real> posterior_between(Real alpha_bar_s, Real alpha_bar_t, Real alpha,
                                                             Real beta) noexcept {
    const Real noise_s = 1 - alpha_bar_s;
    const Real noise_t = 1 - alpha_bar_t;
    return {std::sqrt(alpha_bar_s) * beta / noise_t, std::sqrt(alpha) * noise_s / noise_t, noise_s / noise_t * beta};
}

/// The posterior q(x_s|x_t, x_0) between ᾱ_t and ᾱ_s; with ᾱ_s = 1, x_s is x_0.
/// @accuracy xt: at most 6 roundings of it; x0 and variance: 6 + 2/β of them, with β = 1 − ᾱ_t/ᾱ_s
template <std::floating_point Real>
[[nodiscard]] posterior_coefficients<Real> posterior_between(Real alpha_bar_s, Real alpha_bar_t) noexcept {
    const Real alpha = alpha_bar_t / alpha_bar_s;
    return posterior_between(alpha_bar_s, alpha_bar_t, alpha, 1 - alpha);
}

/// The transition q(x_t|x_s) between two noise levels, from s to the noisier t: x_t = scale · x_s + √variance · ε.
/// @accuracy scale: at most one rounding of it; variance: 8 of σ_t²
/// @source Kingma et al. 2021, arXiv 2107.00630, equations 23 and 24
template <std::floating_point Real>
[[nodiscard]] transition<Real> transition_between(const noise_level<Real>& s, const noise_level<Real>& t) noexcept {
    const Real scale = t.signal / s.signal;
    // σ_t² − (scale · σ_s)² as a product, which has less cancellation.
    return {scale, (t.sigma - scale * s.sigma) * (t.sigma + scale * s.sigma)};
}

/// The posterior q(x_s|x_t, x_0) between two noise levels, where t is the noisier.
/// @accuracy xt: at most 6 roundings of it; x0 and variance: 6 + 8 σ_t²/v of them, v the transition's variance
/// @source Kingma et al. 2021, arXiv 2107.00630, equation 25
template <std::floating_point Real>
[[nodiscard]] posterior_coefficients<Real> posterior_between(const noise_level<Real>& s,
                                                             const noise_level<Real>& t) noexcept {
    const auto [scale, variance] = transition_between(s, t);
    const Real noise_s = s.sigma * s.sigma, noise_t = t.sigma * t.sigma;
    return {s.signal * variance / noise_t, scale * noise_s / noise_t, noise_s / noise_t * variance};
}

/// The lower limit of a variance whose logarithm is taken.
inline constexpr double smallest_variance = 1e-20;

/// ln max(variance, smallest_variance).
/// @accuracy at most 2 roundings of it
template <std::floating_point Real>
[[nodiscard]] Real clipped_log(Real variance) noexcept {
    return variance < static_cast<Real>(smallest_variance) ? static_cast<Real>(std::log(smallest_variance))
                                                           : std::log(variance);
}

}  // namespace ddpm
