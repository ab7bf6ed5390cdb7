// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace ddpm::detail {

/// The continued fraction of the incomplete beta function; it converges fast for x < (a + 1)/(a + b + 2).
/// @source Abramowitz and Stegun, 26.5.8; evaluated by Lentz's method
[[nodiscard]] inline double incomplete_beta_fraction(double a, double b, double x) {
    constexpr double tiny = 1e-300;
    const auto away_from_zero = [](double value) { return std::abs(value) < tiny ? tiny : value; };
    double c = 1;
    double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
    double fraction = d;
    for (int m = 1; m <= 10000; ++m) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        d = 1 / away_from_zero(1 + even * d);
        c = away_from_zero(1 + even / c);
        fraction *= d * c;
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1 / away_from_zero(1 + odd * d);
        c = away_from_zero(1 + odd / c);
        const double factor = d * c;
        fraction *= factor;
        if (std::abs(factor - 1) <= std::numeric_limits<double>::epsilon()) {
            break;
        }
    }
    return fraction;
}

/// ln B(a, b).
[[nodiscard]] inline double log_beta_function(double a, double b) {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): threads share only the sign that lgamma leaves, which nobody reads
    return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
}

/// The cumulative distribution function I_x(a, b) of the beta distribution, for a, b > 0 and 0 ≤ x ≤ 1.
/// @accuracy relative 1e-13 for a, b in [0.05, 10]
[[nodiscard]] inline double incomplete_beta(double a, double b, double x) {
    if (x <= 0 || x >= 1) {
        return x <= 0 ? 0 : 1;
    }
    const double front = std::exp(a * std::log(x) + b * std::log1p(-x) - log_beta_function(a, b));
    return x < (a + 1) / (a + b + 2) ? front * incomplete_beta_fraction(a, b, x) / a
                                     : 1 - front * incomplete_beta_fraction(b, a, 1 - x) / b;
}

/// The x in (0, 1/2] with I_x(a, b) = p, for 0 < p ≤ I_½(a, b). Solves ln I = ln p by Newton's method in y = ln x, with
/// bisection as a fallback. The start is the asymptote of ln I for small x, which is linear in y.
[[nodiscard]] inline double lower_beta_quantile(double a, double b, double p) {
    const double log_p = std::log(p), log_beta = log_beta_function(a, b);
    const double asymptote = (log_p + std::log(a) + log_beta) / a;
    // For x ≤ 1/2, ln I is at most a ln 2 above its asymptote, so y is at most ln 2 below the asymptote's solution.
    double high = std::log(0.5), low = std::min(asymptote, high) - 1;
    double y = std::clamp(asymptote, low, high);
    for (int iteration = 0; iteration < 100; ++iteration) {
        const double x = std::exp(y);
        const double value = incomplete_beta(a, b, x);
        (value < p ? low : high) = y;
        const double slope = std::exp(a * y + (b - 1) * std::log1p(-x) - log_beta) / value;
        double next = y - (std::log(value) - log_p) / slope;
        if (!(next > low && next < high)) {
            next = (low + high) / 2;
        }
        const bool is_settled = std::abs(next - y) <= 2 * std::numeric_limits<double>::epsilon();
        y = next;
        if (is_settled) {
            break;
        }
    }
    return std::exp(y);
}

/// The quantile function of the beta distribution: the x with I_x(a, b) = p, for a, b > 0 and 0 ≤ p ≤ 1.
/// @accuracy relative 1e-13 for a, b in [0.05, 10]
[[nodiscard]] inline double beta_quantile(double a, double b, double p) {
    if (p <= 0 || p >= 1) {
        return p <= 0 ? 0 : 1;
    }
    return p <= incomplete_beta(a, b, 0.5) ? lower_beta_quantile(a, b, p) : 1 - lower_beta_quantile(b, a, 1 - p);
}

}  // namespace ddpm::detail
