// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/dense.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/layer_gradients.hpp"

#include <array>
#include <cmath>

namespace ddpm::test {

namespace {

template <Scalar S>
nn::dense<S> example_layer() {
    nn::dense<S> layer(3, 2);
    constexpr std::array weight{0.5, -1.25, 2.0, 0.1, 0.75, -0.3};
    for (ddpm::isize i = 0; i < 6; ++i) {
        layer.weight[i % 3 * 2 + i / 3] = static_cast<S>(weight[static_cast<std::size_t>(i)]);
    }
    layer.bias[0] = S(0.2);
    layer.bias[1] = S(-0.4);
    return layer;
}

}  // namespace

TEMPLATE_TEST_CASE("dense gives what torch's Linear gives", "[nn]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 1e-6 : 1e-14;
    const nn::dense<S> layer = example_layer<S>();
    batch<S> x(3, 2), y(2, 2), dy(2, 2), dx(3, 2);
    x << S(1), S(0.3), S(-2), S(0.7), S(0.5), S(-1.1);
    dy << S(0.25), S(2), S(-1.5), S(0.6);

    layer.forward(x, y);
    constexpr std::array expected_y{4.2, -1.95, -2.725, 0.485};
    for (ddpm::isize i = 0; i < 4; ++i) {
        CHECK(std::abs(static_cast<double>(y.data()[i]) - expected_y[static_cast<std::size_t>(i)]) <= 3 * tolerance);
    }
    batch<S> sum = batch<S>::Constant(2, 2, S(1));
    layer.forward_add(x, sum);
    CHECK((sum - y - S(1)).abs().maxCoeff() <= S(3 * tolerance));

    nn::dense<S> d = nn::zeros_like(layer);
    layer.backward(x, dy, dx, d);
    layer.backward(x, dy, dx, d);  // parameters' gradients add up, the input's does not
    constexpr std::array expected_dx{-0.025, -1.4375, 0.95, 1.06, -2.05, 3.82};
    constexpr std::array expected_dw{0.85, 0.9, -2.075, -1.32, 3.42, -1.41};
    constexpr std::array expected_db{2.25, -0.9};
    for (ddpm::isize i = 0; i < 6; ++i) {
        CHECK(std::abs(static_cast<double>(dx.data()[i]) - expected_dx[static_cast<std::size_t>(i)]) <= 3 * tolerance);
        CHECK(std::abs(static_cast<double>(d.weight[i % 3 * 2 + i / 3]) -
                       2 * expected_dw[static_cast<std::size_t>(i)]) <= 6 * tolerance);
    }
    CHECK(std::abs(static_cast<double>(d.bias[0]) - 2 * expected_db[0]) <= 6 * tolerance);
    CHECK(std::abs(static_cast<double>(d.bias[1]) - 2 * expected_db[1]) <= 6 * tolerance);
}

TEST_CASE("the gradients of dense are the central differences", "[nn]") {
    const auto [inputs, outputs, samples] =
        GENERATE(std::array<ddpm::isize, 3>{1, 1, 1}, std::array<ddpm::isize, 3>{5, 3, 7},
                 std::array<ddpm::isize, 3>{17, 33, 4}, std::array<ddpm::isize, 3>{40, 9, 19});
    nn::dense<double> layer(inputs, outputs);
    disturb(layer, 0.5, 1);
    batch<double> x = random_batch(inputs, samples, 2);
    const batch<double> dy = random_batch(outputs, samples, 3);
    check_layer_gradients(
        layer, x, dy, [&](batch<double>& y) { layer.forward(x, y); },
        [&](batch<double>& dx, nn::dense<double>& d) { layer.backward(x, dy, dx, d); });
}

TEST_CASE("dense needs no gradient of its input", "[nn]") {
    const nn::dense<float> layer = example_layer<float>();
    nn::dense<float> d = nn::zeros_like(layer), e = d;
    const batch<float> x = random_batch<float>(3, 4, 1), dy = random_batch<float>(2, 4, 2);
    batch<float> dx(3, 4);
    layer.backward(x, dy, dx, d);
    layer.backward(x, dy, {}, e);
    CHECK(std::equal(d.weight.values().begin(), d.weight.values().end(), e.weight.values().begin()));
}

TEMPLATE_TEST_CASE("a sample through dense does not depend on its neighbours", "[nn]", float, double) {
    nn::dense<TestType> layer(37, 29);
    disturb(layer, 0.3, 5);
    const batch<TestType> x = random_batch<TestType>(37, 50, 6);
    batch<TestType> all(29, 50);
    layer.forward(x, all);
    for (const ddpm::isize n : {0, 13, 49}) {
        batch<TestType> one(29, 1);
        layer.forward(x.col(n), one);
        CHECK((one == all.col(n)).all());
    }
}

TEST_CASE("dense refuses shapes that do not fit", "[nn]") {
    const nn::dense<float> layer = example_layer<float>();
    nn::dense<float> d = nn::zeros_like(layer);
    batch<float> x(3, 4), y(2, 4), wrong(4, 4);
    CHECK_THROWS_AS(layer.forward(wrong, y), shape_error);
    CHECK_THROWS_AS(layer.forward(x, wrong), shape_error);
    CHECK_THROWS_AS(layer.forward_add(wrong, y), shape_error);
    CHECK_THROWS_AS(layer.forward_add(x, wrong), shape_error);
    CHECK_THROWS_AS(layer.backward(wrong, y, x, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x, wrong, x, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x, y, wrong, d), shape_error);
    nn::dense<float> empty, other(4, 2), no_bias = d;
    no_bias.bias = {};
    CHECK_THROWS_AS(layer.backward(x, y, x, empty), shape_error);
    CHECK_THROWS_AS(layer.backward(x, y, x, other), shape_error);
    CHECK_THROWS_AS(layer.backward(x, y, x, no_bias), shape_error);
    CHECK_NOTHROW(layer.backward(x, y, x, d));
}

}  // namespace ddpm::test
