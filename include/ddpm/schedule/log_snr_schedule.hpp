// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <numbers>

namespace ddpm {

/// The log-SNR ln(α²/σ²) as a falling function of the time u in [0, 1].
template <class C>
concept LogSnrCurve = requires(const C& curve, const double u) {
    { curve(u) } -> std::convertible_to<double>;
    { curve(double(u)) } -> std::convertible_to<double>;
};

/// The variance-preserving noise level with ln(α²/σ²) = log_snr: α² = sigmoid(log_snr), σ² = sigmoid(−log_snr).
/// @accuracy each at most 4 roundings (2⁻⁵³) of it
/// @source Kingma et al. 2021, arXiv 2107.00630, equation 4 and section 3.2
[[nodiscard]] inline noise_level<double> level_of_log_snr(double log_snr) noexcept {
    return {1 / std::sqrt(1 + std::exp(-log_snr)), 1 / std::sqrt(1 + std::exp(log_snr))};
}

/// The derivatives of α and σ of level_of_log_snr with respect to log_snr.
/// @accuracy each at most 16 roundings of it
[[nodiscard]] inline noise_level<double> level_slope_of_log_snr(double log_snr) noexcept {
    const auto [signal, sigma] = level_of_log_snr(log_snr);
    return {signal * sigma * sigma / 2, -sigma * signal * signal / 2};
}

/// A variance-preserving schedule given by its log-SNR as a function of time; the curve may be any callable. Time runs
/// from 0, the least noisy, to 1. The time passed to the network is the log-SNR.
/// @source Kingma et al. 2021, arXiv 2107.00630, section 3.2
template <LogSnrCurve Curve>
struct log_snr_schedule {
    Curve curve{};

    /// @throws value_error unless 0 ≤ u ≤ 1
    /// @accuracy from the curve, as level_of_log_snr
    [[nodiscard]] noise_level<double> level(double u) const { return level_of_log_snr(model_time(u)); }

    /// @throws value_error unless 0 ≤ u ≤ 1
    /// @accuracy that of the curve
    [[nodiscard]] double model_time(double u) const {
        detail::require_between("log_snr_schedule", "time", u, 0, 1);
        return curve(u);
    }
};

template <class Curve>
log_snr_schedule(Curve) -> log_snr_schedule<Curve>;

/// Falls linearly from `first` at u = 0 to `last` at u = 1.
/// @source Kingma et al. 2021, arXiv 2107.00630
struct linear_log_snr {
    double first = 13.3;
    double last = -5;

    /// The log-SNR at u in [0, 1].
    /// @accuracy at most 6 roundings of the larger of |first| and |last|
    [[nodiscard]] double operator()(double u) const { return first + u * (last - first); }
};

/// The log-SNR of the linear β schedule: −ln(exp(1e-4 + 10 u²) − 1).
/// @source the continuous-time diffusion of lucidrains' denoising-diffusion-pytorch
struct beta_linear_log_snr {
    /// The log-SNR at u in [0, 1].
    /// @accuracy at most 60 roundings of 1
    [[nodiscard]] double operator()(double u) const { return -std::log(std::expm1(1e-4 + 10 * u * u)); }
};

/// The log-SNR of the cosine schedule ᾱ = cos²((u + offset)/(1 + offset) · π/2), at most −ln 1e-5.
/// @source the continuous-time diffusion of lucidrains' denoising-diffusion-pytorch
struct alpha_cosine_log_snr {
    double offset = 0.008;

    /// The log-SNR at u in [0, 1].
    /// @accuracy at most 40 cosh(λ/2) roundings of 1 for the log-SNR λ
    [[nodiscard]] double operator()(double u) const {
        const double ratio = std::tan((u + offset) / (1 + offset) * std::numbers::pi / 2);
        return -std::log(std::max(ratio * ratio, 1e-5));
    }
};

/// The log-SNR −2 ln tan(a + u (b − a)), with a and b such that it falls from `highest` to `lowest`.
/// @source Hoogeboom et al. 2023, arXiv 2301.11093 (simple diffusion)
struct cosine_log_snr {
    double lowest = -15;
    double highest = 15;

    /// The log-SNR at u in [0, 1].
    /// @accuracy as alpha_cosine_log_snr
    [[nodiscard]] double operator()(double u) const {
        const double first = std::atan(std::exp(-highest / 2));
        const double last = std::atan(std::exp(-lowest / 2));
        return -2 * std::log(std::tan(first + u * (last - first)));
    }
};

/// A curve made for images of size noise_side, shifted by 2 ln(noise_side/image_side) for images of size image_side.
/// @source Hoogeboom et al. 2023, arXiv 2301.11093, section 3.1
template <LogSnrCurve Curve>
struct shifted_log_snr {
    Curve curve;
    double image_side;
    double noise_side;

    /// @throws value_error unless both sides are above 0
    /// @accuracy that of the curve, and at most 4 roundings of 1 + |curve| + |shift|
    [[nodiscard]] double operator()(double u) const { return curve(u) + shift(image_side, noise_side); }

    /// @throws value_error unless both sides are above 0
    /// @accuracy at most 2 roundings of 1 + |shift|
    [[nodiscard]] static double shift(double image_side, double noise_side) {
        if (!(image_side > 0 && noise_side > 0)) {
            throw value_error("shifted_log_snr", "sides", "> 0", detail::text(image_side, " and ", noise_side));
        }
        return 2 * std::log(noise_side / image_side);
    }
};

template <class Curve>
shifted_log_snr(Curve, double, double) -> shifted_log_snr<Curve>;

/// Linear interpolation between two shifted curves: that of noise_high at u = 0, that of noise_low at u = 1.
/// @source Hoogeboom et al. 2023, arXiv 2301.11093, section 3.1
template <LogSnrCurve Curve>
struct interpolated_log_snr {
    Curve curve;
    double image_side;
    double noise_low;
    double noise_high;

    /// @throws value_error unless all sides are above 0
    /// @accuracy that of the curve, and at most 6 roundings of 1 + |curve| + the larger |shift|
    [[nodiscard]] double operator()(double u) const {
        return curve(u) + u * shifted_log_snr<Curve>::shift(image_side, noise_low) +
               (1 - u) * shifted_log_snr<Curve>::shift(image_side, noise_high);
    }
};

template <class Curve>
interpolated_log_snr(Curve, double, double, double) -> interpolated_log_snr<Curve>;

}  // namespace ddpm
