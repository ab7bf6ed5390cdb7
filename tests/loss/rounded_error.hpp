// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/process/parameterization.hpp>

#include <cmath>

namespace ddpm::test {

/// The exact difference of a prediction and its target a x_0 + b ε, and |prediction| + |a x_0| + |b ε|.
struct exact_difference {
    long double value, size;

    template <Scalar S>
    exact_difference(prediction kind, const noise_level<double>& level, S predicted, S x0, S eps) {
        const long double alpha = level.signal, sigma = level.sigma, length = std::sqrt(alpha * alpha + sigma * sigma);
        const bool noise = kind == prediction::epsilon;
        const long double a = noise || kind == prediction::score ? 0
                              : kind == prediction::x0           ? 1
                              : kind == prediction::v            ? -sigma / length
                                                                 : -1;
        const long double b = kind == prediction::x0      ? 0
                              : kind == prediction::v     ? alpha / length
                              : kind == prediction::score ? -1 / sigma
                                                          : 1;
        value = predicted - a * x0 - b * eps;
        size = std::abs(static_cast<long double>(predicted)) + std::abs(a * x0) + std::abs(b * eps);
    }
};

}  // namespace ddpm::test
