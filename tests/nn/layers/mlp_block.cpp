// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/mlp_block.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <cmath>
#include <cstddef>

namespace ddpm::test {

TEST_CASE("an MLP block's gradients are the central differences, and those of its parameters add up", "[nn]") {
    constexpr ddpm::isize size = 5, count = 3;
    nn::mlp_block<double> block(size);
    disturb(block, 0.5, 1);
    batch<double> h = random_batch(size, count, 2), e = random_batch(size, count, 3);
    const batch<double> dout = random_batch(size, count, 4);
    batch<double> normed(size, count), moments(2, count), summed(size, count), active(size, count), out(size, count);
    const nn::mlp_block<double>::activations a{normed, moments, summed, active};
    const auto loss = [&] {
        block.forward(h, e, a, out);
        return (out * dout).sum();
    };
    static_cast<void>(loss());
    nn::arena<double> memory;
    nn::mlp_block<double> d = nn::zeros_like(block);
    batch<double> dh = batch<double>::Constant(size, count, 9), de = batch<double>::Constant(size, count, 2);
    block.backward(h, a, dout, de, dh, d, memory);
    // Once more from the same activations: what is added to has twice the gradient, what is overwritten has it once.
    nn::mlp_block<double> d_twice = d;
    batch<double> dh_again(size, count), de_twice = de;
    block.backward(h, a, dout, de_twice, dh_again, d_twice, memory);
    CHECK((dh_again == dh).all());
    CHECK((de_twice - de - (de - 2)).abs().maxCoeff() < 1e-14);
    const auto once_list = nn::parameters(d), twice_list = nn::parameters(d_twice);
    for (std::size_t p = 0; p < once_list.size(); ++p) {
        for (std::size_t i = 0; i < once_list[p].values.size(); ++i) {
            CHECK(std::abs(twice_list[p].values[i] - 2 * once_list[p].values[i]) < 1e-13);
        }
    }
    de -= 2;
    CHECK(gradient_error(elements(h), elements(dh), loss) < 1e-6);
    CHECK(gradient_error(elements(e), elements(de), loss) < 1e-6);
    CHECK(parameter_gradient_error(block, d, loss) < 1e-6);
}

TEST_CASE("an MLP block refuses what does not fit", "[nn]") {
    constexpr ddpm::isize size = 5, count = 3;
    const nn::mlp_block<double> block(size);
    const batch<double> h = random_batch(size, count, 2), e = random_batch(size, count, 3),
                        dout = random_batch(size, count, 4);
    batch<double> normed(size, count), moments(2, count), summed(size, count), active(size, count);
    const nn::mlp_block<double>::activations a{normed, moments, summed, active};
    const auto forward = [&](const batch<double>& x, const batch<double>& time, batch<double> out) {
        block.forward(x, time, a, out);
    };
    const auto backward = [&](const batch<double>& g, batch<double> de, batch<double> dh, ddpm::isize size_of_d) {
        nn::arena<double> memory;
        nn::mlp_block<double> d(size_of_d);
        block.backward(h, a, g, de, dh, d, memory);
    };
    const batch<double> low(size - 1, count), narrow(size, count - 1), wide(size, count + 1);
    CHECK_NOTHROW(forward(h, e, dout));
    CHECK_NOTHROW(forward(h, e.leftCols(1), dout));
    for (const batch<double>& wrong : {low, narrow, wide}) {
        CHECK_THROWS_AS(forward(wrong, e, dout), shape_error);
        CHECK_THROWS_AS(forward(h, wrong, dout), shape_error);
        CHECK_THROWS_AS(forward(h, e, wrong), shape_error);
    }
    forward(h, e, dout);
    CHECK_NOTHROW(backward(dout, e, h, size));
    for (const batch<double>& wrong : {low, narrow, wide}) {
        CHECK_THROWS_AS(backward(wrong, e, h, size), shape_error);
        CHECK_THROWS_AS(backward(dout, wrong, h, size), shape_error);
        CHECK_THROWS_AS(backward(dout, e, wrong, size), shape_error);
    }
    CHECK_THROWS_AS(backward(dout, e, h, size - 1), shape_error);
}

}  // namespace ddpm::test
