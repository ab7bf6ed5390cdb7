// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <numbers>

namespace ddpm::detail {

/// The density of the standard normal.
[[nodiscard]] inline double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

/// The x below which the standard normal has the mass p: −∞ for 0, ∞ for 1.
/// @accuracy a few units in the last place of p, or of 1 − p where that is the smaller
/// @source Abramowitz and Stegun 26.2.23, then two of Halley's steps
[[nodiscard]] inline double normal_quantile(double p) {
    if (p > 0.5) {
        return -normal_quantile(1 - p);
    }
    if (!(p > 0)) {
        return -HUGE_VAL;
    }
    const double r = std::sqrt(-2 * std::log(p));
    double x = (2.515517 + r * (0.802853 + r * 0.010328)) / (1 + r * (1.432788 + r * (0.189269 + r * 0.001308))) - r;
    for (int step = 0; step < 2; ++step) {
        const double error = (0.5 * std::erfc(-x / std::numbers::sqrt2) - p) / normal_density(x);
        x -= error / (1 + x * error / 2);
    }
    return x;
}

}  // namespace ddpm::detail
