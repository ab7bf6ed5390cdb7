// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/layer_norm.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/layer_gradients.hpp"

#include <array>
#include <cmath>

namespace ddpm::test {

TEMPLATE_TEST_CASE("layer_norm gives what torch's LayerNorm gives", "[nn]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 2e-6 : 1e-13;
    nn::layer_norm<S> layer(5);
    batch<S> weight(5, 1), bias(5, 1), x(5, 2), dy(5, 2), y(5, 2), dx(5, 2), moments(2, 2);
    weight << S(1), S(0.5), S(-2), S(1.5), S(0.75);
    bias << S(0.1), S(-0.2), S(0.3), S(0), S(1);
    std::copy_n(weight.data(), 5, layer.weight.data());
    std::copy_n(bias.data(), 5, layer.bias.data());
    x << S(1), S(0.3), S(-2), S(0.7), S(0.5), S(-1.1), S(3), S(4), S(-0.25), S(2.5);
    dy << S(0.25), S(2), S(-1.5), S(0.6), S(1), S(-0.3), S(0.5), S(0.9), S(-2), S(0.1);
    constexpr std::array expected_y{0.4372260028338629, -0.9510942790390584, 0.23868618130293406,  2.345253565162774,
                                    0.6781024518404035, -0.4504566991182729, -0.36289024769826445, 2.9736468242887537,
                                    2.291697277961789,  1.5139468160134895};
    constexpr std::array expected_dx{
        0.4291683791074772, 0.4850628603156363,   -0.8388870968800378,  0.28971569380692774, -0.36505983635000305,
        0.6445175086594707, -0.31321300230039933, -0.13185094636803035, 0.2529947100439002,  -0.45244827003494137};
    constexpr std::array expected_dw{-1.01660689752808, 2.0578145398792578, 0.431703932991846, 2.156769555164665,
                                     0.9269197038940559};
    constexpr std::array expected_db{2.25, -0.9, 0.7, 1.4, -1.9};

    layer.forward(x, y, moments);
    nn::layer_norm<S> d = nn::zeros_like(layer);
    layer.backward(x, moments, dy, dx, d);
    for (ddpm::isize i = 0; i < 10; ++i) {
        CHECK(std::abs(static_cast<double>(y.data()[i]) - expected_y[static_cast<std::size_t>(i)]) <= tolerance);
        CHECK(std::abs(static_cast<double>(dx.data()[i]) - expected_dx[static_cast<std::size_t>(i)]) <= tolerance);
    }
    for (ddpm::isize i = 0; i < 5; ++i) {
        CHECK(std::abs(static_cast<double>(d.weight[i]) - expected_dw[static_cast<std::size_t>(i)]) <= tolerance);
        CHECK(std::abs(static_cast<double>(d.bias[i]) - expected_db[static_cast<std::size_t>(i)]) <= tolerance);
    }
}

TEST_CASE("the gradients of layer_norm are the central differences", "[nn]") {
    const auto [size, samples] = GENERATE(std::array<ddpm::isize, 2>{3, 1}, std::array<ddpm::isize, 2>{7, 5},
                                          std::array<ddpm::isize, 2>{64, 3}, std::array<ddpm::isize, 2>{83, 6});
    nn::layer_norm<double> layer(size);
    disturb(layer, 0.5, 1);
    batch<double> x = 2 * random_batch(size, samples, 2) + 0.7, moments(2, samples);
    const batch<double> dy = random_batch(size, samples, 3);
    check_layer_gradients(
        layer, x, dy, [&](batch<double>& y) { layer.forward(x, y, moments); },
        [&](batch<double>& dx, nn::layer_norm<double>& d) { layer.backward(x, moments, dy, dx, d); });
}

TEMPLATE_TEST_CASE("a sample through layer_norm does not depend on its neighbours", "[nn]", float, double) {
    nn::layer_norm<TestType> layer(50);
    disturb(layer, 0.3, 5);
    const batch<TestType> x = random_batch<TestType>(50, 400, 6);
    batch<TestType> all(50, 400), moments(2, 400);
    layer.forward(x, all, moments);
    for (const ddpm::isize n : {0, 13, 399}) {
        batch<TestType> one(50, 1), moment(2, 1);
        layer.forward(x.col(n), one, moment);
        CHECK((one == all.col(n)).all());
    }
}

TEST_CASE("layer_norm of a constant sample is its bias", "[nn]") {
    const nn::layer_norm<float> layer(30);
    const batch<float> x = batch<float>::Constant(30, 1, 3.0f);
    batch<float> y(30, 1), moments(2, 1);
    layer.forward(x, y, moments);
    CHECK(y.abs().maxCoeff() <= 1e-3f);
}

TEST_CASE("layer_norm refuses shapes that do not fit", "[nn]") {
    const nn::layer_norm<float> layer(5);
    nn::layer_norm<float> d = nn::zeros_like(layer);
    batch<float> x(5, 3), wrong(4, 3), moments(2, 3);
    CHECK_THROWS_AS(layer.forward(wrong, x, moments), shape_error);
    CHECK_THROWS_AS(layer.forward(x, wrong, moments), shape_error);
    CHECK_THROWS_AS(layer.forward(x, x, wrong), shape_error);
    CHECK_THROWS_AS(layer.backward(wrong, moments, x, x, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x, wrong, x, x, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x, moments, wrong, x, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x, moments, x, wrong, d), shape_error);
    nn::layer_norm<float> empty, other(4), no_bias = d, no_weight = d;
    no_bias.bias = {};
    no_weight.weight = {};
    CHECK_THROWS_AS(layer.backward(x, moments, x, x, empty), shape_error);
    CHECK_THROWS_AS(layer.backward(x, moments, x, x, other), shape_error);
    CHECK_THROWS_AS(layer.backward(x, moments, x, x, no_bias), shape_error);
    CHECK_THROWS_AS(layer.backward(x, moments, x, x, no_weight), shape_error);
    CHECK_NOTHROW(layer.backward(x, moments, x, x, d));
}

}  // namespace ddpm::test
