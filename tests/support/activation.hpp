// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/activation.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace ddpm::test {

inline constexpr std::array every_activation{kernels::activation::none, kernels::activation::silu,
                                             kernels::activation::mish, kernels::activation::gelu,
                                             kernels::activation::relu};

/// The documented error of a value, in units in the last place.
[[nodiscard]] constexpr double activation_bound(kernels::activation f) {
    using kernels::activation;
    return f == activation::silu ? 4 : f == activation::mish ? 5 : f == activation::gelu ? 7 : 0;
}

/// A value and its slope.
template <class W>
struct exact_activation {
    W value, slope;
};

template <class W>
[[nodiscard]] exact_activation<W> exact_at(kernels::activation f, W x) {
    using kernels::activation;
    const W e = std::exp(x);
    switch (f) {
        case activation::silu: {
            const W inverse = std::exp(-x), s = x < 0 ? e / (1 + e) : 1 / (1 + inverse);
            const W rest = x < 0 ? 1 / (1 + e) : inverse / (1 + inverse);
            return {x * s, s + x * s * rest};
        }
        case activation::mish: {
            const W softplus = x > 40 ? x : std::log1p(e), t = std::tanh(softplus);
            const W sech = 1 / std::cosh(std::min(softplus, W(5000)));
            return {x * t, t + x * sech * sech * (1 / (1 + std::exp(-x)))};
        }
        case activation::gelu: {
            const W tail = std::erfc(-x / std::sqrt(W(2))) / 2;
            return {x * tail, tail + x * std::exp(-x * x / 2) * W(0.398942280401432677939946059934L)};
        }
        case activation::relu:
            return {x > 0 ? x : 0, x > 0 ? W(1) : W(0)};
        default:
            return {x, 1};
    }
}

}  // namespace ddpm::test
