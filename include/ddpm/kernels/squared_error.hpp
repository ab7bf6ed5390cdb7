// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

namespace ddpm::kernels {

/// Σ (prediction − a · x − b · y)² over `size` elements, added in order in double; writes
/// d_prediction = scale · (prediction − a · x − b · y). The target is thus a combination of two arrays that is never stored.
template <Scalar S>
double squared_error(index size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S* d_prediction) noexcept {
    double sum = 0;
    for (index i = 0; i < size; ++i) {
        const S difference = prediction[i] - (a * x[i] + b * y[i]);
        d_prediction[i] = scale * difference;
        sum += static_cast<double>(difference) * static_cast<double>(difference);
    }
    return sum;
}

}  // namespace ddpm::kernels
