// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <limits>

namespace ddpm {

/// The variance-exploding process x = x_0 + σ ε. The time is σ ≥ 0, and the network is given σ. This is the process of
/// EDM, and of score_sde, whose time is σ².
/// @source Song et al. 2020, arXiv 2011.13456, equation 31; Karras et al. 2022, arXiv 2206.00364, table 1
struct variance_exploding {
    /// The noise level at time sigma.
    /// @throws value_error unless 0 ≤ sigma < ∞
    /// @accuracy exact
    [[nodiscard]] noise_level<double> level(double sigma) const {
        detail::require_between("variance_exploding", "sigma", sigma, 0, std::numeric_limits<double>::max());
        return {1, sigma};
    }

    /// The time with σ/α = ratio.
    /// @accuracy exact
    [[nodiscard]] double time_of(double ratio) const { return ratio; }

    /// σ has no upper limit.
    [[nodiscard]] time_range times() const { return {0, std::numeric_limits<double>::infinity()}; }

    /// The derivative of ln(α²/σ²) with respect to the time: −2/σ.
    /// @accuracy one rounding (2⁻⁵³) of it
    [[nodiscard]] double log_snr_slope(double sigma) const { return -2 / sigma; }

    /// The derivatives of α and σ with respect to the time: 0 and 1.
    /// @accuracy exact
    [[nodiscard]] noise_level<double> level_slope(double) const { return {0, 1}; }
};

}  // namespace ddpm
