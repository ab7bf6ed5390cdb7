// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include <cmath>
#include <utility>

namespace ddpm {

/// The variance-preserving schedule of a learned γ(u) = −ln(α²/σ²), which never decreases. The time u goes from 0, the
/// least noise, to 1; the model's time is the log-SNR, −γ. All functions of u throw value_error unless 0 ≤ u ≤ 1.
/// @source Kingma et al. 2021, arXiv 2107.00630, section 3.2
template <MonotoneCurve Curve>
class learned_schedule {
public:
    /// The schedule of the curve γ, of which it keeps a copy.
    explicit learned_schedule(Curve gamma) : gamma_(std::move(gamma)) {}

    /// γ and its derivative at time u.
    /// @accuracy as the curve
    [[nodiscard]] curve_point gamma(double u) const {
        detail::require_between("learned_schedule", "time", u, 0, 1);
        return gamma_(u);
    }

    /// α and σ: α² = sigmoid(−γ(u)), σ² = sigmoid(γ(u)).
    /// @accuracy from γ(u) as level_of_log_snr
    [[nodiscard]] noise_level<double> level(double u) const { return level_of_log_snr(model_time(u)); }

    /// The time passed to the network: −γ(u).
    /// @accuracy as the curve
    [[nodiscard]] double model_time(double u) const { return -gamma(u).value; }

    /// The derivative of ln(α²/σ²) with respect to u: −γ′(u).
    /// @accuracy as the curve
    [[nodiscard]] double log_snr_slope(double u) const { return -gamma(u).slope; }

    /// The derivatives of α and σ with respect to u.
    /// @accuracy from γ(u) and γ′(u) at most 17 roundings (2⁻⁵³) of each
    [[nodiscard]] noise_level<double> level_slope(double u) const {
        const curve_point point = gamma(u);
        const auto [signal, sigma] = level_slope_of_log_snr(-point.value);
        return {-point.slope * signal, -point.slope * sigma};
    }

    /// The time at which σ/α is `ratio`; 0 or 1 if no time has a ratio that small or that large.
    /// @throws value_error unless ratio ≥ 0
    /// @accuracy between the result and the double before it γ, as it is computed, reaches 2 ln(ratio)
    /// @complexity about 50 evaluations of γ
    [[nodiscard]] double time_of(double ratio) const {
        detail::require_between("learned_schedule", "sigma/alpha", ratio, 0, HUGE_VAL);
        const double goal = 2 * std::log(ratio);
        if (!(goal > gamma_(0).value)) {
            return 0;
        }
        if (!(goal < gamma_(1).value)) {
            return 1;
        }
        double low = 0, high = 1;
        for (double middle = 0.5; low < middle && middle < high; middle = low + (high - low) / 2) {
            (gamma_(middle).value < goal ? low : high) = middle;
        }
        return high;
    }

private:
    Curve gamma_;
};

}  // namespace ddpm
