// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <limits>

namespace ddpm {

/// Noise is added to data that keep their scale: x = x_0 + σ ε, and time is σ itself, from 0. The network is told σ.
/// This is EDM's process, and score_sde's variance-exploding one, whose own time is σ².
/// @source Song et al. 2020, arXiv 2011.13456, equation 31; Karras et al. 2022, arXiv 2206.00364, table 1
struct variance_exploding {
    /// @throws value_error unless 0 ≤ sigma < ∞
    [[nodiscard]] noise_level<double> level(double sigma) const {
        detail::require_between("variance_exploding", "sigma", sigma, 0, std::numeric_limits<double>::max());
        return {1, sigma};
    }

    [[nodiscard]] double time_of(double ratio) const { return ratio; }

    /// σ may be as large as one likes.
    [[nodiscard]] time_range times() const { return {0, std::numeric_limits<double>::infinity()}; }

    [[nodiscard]] double log_snr_slope(double sigma) const { return -2 / sigma; }

    [[nodiscard]] noise_level<double> level_slope(double) const { return {0, 1}; }
};

}  // namespace ddpm
