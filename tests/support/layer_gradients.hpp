// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <limits>

namespace ddpm::test {

/// A gradient of x in which an element that is not written is seen.
[[nodiscard]] inline batch<double> unwritten_like(const batch<double>& x) {
    return batch<double>::Constant(x.rows(), x.cols(), std::numeric_limits<double>::quiet_NaN());
}

/// Checks the gradients of a layer's input and parameters against the central differences of Σ y · dy. forward(y) writes
/// the output for x, then backward(dx, d) the gradients for dy.
template <class Layer, class Forward, class Backward>
void check_layer_gradients(Layer& layer, batch<double>& x, const batch<double>& dy, const Forward& forward,
                           const Backward& backward) {
    batch<double> y(dy.rows(), dy.cols()), dx = unwritten_like(x);
    const auto loss = [&] {
        forward(y);
        return (y * dy).sum();
    };
    static_cast<void>(loss());  // backward reads what forward leaves
    Layer d = nn::zeros_like(layer);
    backward(dx, d);
    CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-6);
    CHECK(parameter_gradient_error(layer, d, loss) < 1e-6);
}

}  // namespace ddpm::test
