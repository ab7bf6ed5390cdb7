// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

namespace ddpm::kernels {

/// out = a · x + b · y over `size` elements; out may be x or y.
template <Scalar S>
void linear_combination(index size, S a, const S* x, S b, const S* y, S* out) noexcept {
    for (index i = 0; i < size; ++i) {
        out[i] = a * x[i] + b * y[i];
    }
}

/// out = a · x + b · y + c · z over `size` elements; out may be x, y or z.
template <Scalar S>
void linear_combination(index size, S a, const S* x, S b, const S* y, S c, const S* z, S* out) noexcept {
    for (index i = 0; i < size; ++i) {
        out[i] = a * x[i] + b * y[i] + c * z[i];
    }
}

}  // namespace ddpm::kernels
