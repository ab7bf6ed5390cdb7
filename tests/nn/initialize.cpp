// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

namespace ddpm::test {

TEMPLATE_TEST_CASE("dense layers start uniform within one over the root of their inputs", "[nn]", float, double) {
    nn::initializer start(7);
    nn::dense<TestType> layer(64, 200);
    start.layer(layer);
    const auto check = [](std::span<const TestType> values, double bound) {
        double sum = 0, squares = 0, largest = 0;
        for (const TestType value : values) {
            const double x = static_cast<double>(value) / bound;
            sum += x;
            squares += x * x;
            largest = std::max(largest, std::abs(x));
        }
        const double n = static_cast<double>(values.size());
        CHECK(largest <= 1);
        CHECK(largest > 0.97);
        CHECK(std::abs(sum / n) <= 5 / std::sqrt(3 * n));
        CHECK(std::abs(squares / n - 1.0 / 3) <= 5 * std::sqrt(4.0 / 45 / n));
    };
    check(layer.weight.values(), 0.125);
    check(layer.bias.values(), 0.125);
}

TEST_CASE("a seed names one start, in float and in double", "[nn]") {
    nn::dense<float> a(10, 10), b(10, 10), c(10, 10);
    nn::dense<double> d(10, 10);
    nn::initializer(1).layer(a);
    nn::initializer(1).layer(b);
    nn::initializer(2).layer(c);
    nn::initializer(1).layer(d);
    CHECK(std::ranges::equal(a.weight.values(), b.weight.values()));
    CHECK_FALSE(std::ranges::equal(a.weight.values(), c.weight.values()));
    for (ddpm::isize i = 0; i < 100; ++i) {
        REQUIRE(a.weight[i] == static_cast<float>(d.weight[i]));
    }
    // Words of the stream: (2 u − 1) / √10 with u = bits / 2^32. Torch's row 5, column 7.
    const philox_noise words(1, noise_stream::weights);
    CHECK(d.weight[75] == (2 * (words.bits(0, 0, 57) * 0x1p-32) - 1) * (1 / std::sqrt(10.0)));
    CHECK(d.bias[3] == (2 * (words.bits(1, 0, 3) * 0x1p-32) - 1) * (1 / std::sqrt(10.0)));
}

TEST_CASE("the DDPM paper's start has the variance of the fans' mean, and zeros at the end", "[nn]") {
    nn::initializer start(3, nn::start_kind::paper);
    nn::conv2d<double> conv(20, 60, 3), last(20, 20, 3);
    start.layer(conv);
    start.last_layer(last);
    // Uniform with variance 2 / (9 · 20 + 9 · 60).
    const double variance = 2.0 / (9 * 80), n = static_cast<double>(conv.weight.size());
    double squares = 0;
    for (const double w : conv.weight.values()) {
        CHECK(std::abs(w) <= std::sqrt(3 * variance));
        squares += w * w;
    }
    CHECK(std::abs(squares / n / variance - 1) <= 5 * std::sqrt(0.8 / n));
    const auto is_zero = [](double x) { return x == 0; };
    CHECK(std::ranges::all_of(conv.bias.values(), is_zero));
    CHECK(std::ranges::all_of(last.weight.values(), is_zero));
    CHECK(std::ranges::all_of(last.bias.values(), is_zero));
    nn::initializer(3, nn::start_kind::zero).layer(conv);
    CHECK(std::ranges::all_of(conv.weight.values(), is_zero));
}

}  // namespace ddpm::test
