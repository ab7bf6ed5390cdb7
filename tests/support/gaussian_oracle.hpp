// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#pragma once

#include <ddpm/predictor/concept.hpp>
#include <ddpm/schedule/concept.hpp>

#include <cmath>

namespace ddpm::test {

/// The exact ε of data that is Gaussian with mean m and variance s² in every element:
/// E[ε|x_t] = σ (x_t − α m) / (α² s² + σ²), with α = √ᾱ_t and σ = √(1 − ᾱ_t).
template <NoiseSchedule Schedule>
struct gaussian_oracle {
    const Schedule& schedule;
    double mean;
    double variance;

    template <Scalar S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) const {
        for (isize n = 0; n < xt.columns(); ++n) {
            const auto [alpha, sigma] = noise_level_at(schedule, static_cast<isize>(t[static_cast<std::size_t>(n)]));
            const double scale = sigma / (alpha * alpha * variance + sigma * sigma);
            out.prediction.array().col(n) = static_cast<S>(scale) * (xt.array().col(n) - static_cast<S>(alpha * mean));
        }
    }
};

/// Mean and variance of one element of a sample.
struct moments {
    double mean;
    double variance;
};

/// One reverse step with the oracle is linear in x, so it carries Gaussians into Gaussians: x̂_0 = p x + q and
/// ε̂ = (x − α x̂_0)/σ, then x ← a x̂_0 + b x + c ε̂ + s z.
inline moments linear_step(const moments& x, const noise_level<double>& level, double m, double s2, double a, double b,
                           double c, double s) {
    const double total = level.signal * level.signal * s2 + level.sigma * level.sigma;
    const double p = level.signal * s2 / total;  // x̂_0 = E[x_0|x_t]
    const double q = m * level.sigma * level.sigma / total;
    const double slope = a * p + b + c * (1 - level.signal * p) / level.sigma;
    const double offset = a * q - c * level.signal * q / level.sigma;
    return {slope * x.mean + offset, slope * slope * x.variance + s * s};
}

}  // namespace ddpm::test
