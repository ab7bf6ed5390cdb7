// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/fourier_embedding.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace ddpm::test {

namespace {

template <Scalar S>
nn::fourier_embedding<S> example(nn::embedding_order order = nn::embedding_order::sin_cos) {
    nn::fourier_embedding<S> layer(3, order);
    layer.weight[0] = S(0.5);
    layer.weight[1] = S(-20.25);
    layer.weight[2] = S(37.1f);
    return layer;
}

constexpr std::array<double, 3> times{1, 10, 999};

}  // namespace

TEST_CASE("the Fourier embedding is diffusers' in float and in double", "[nn]") {
    // diffusers' GaussianFourierProjection(3, scale=16) with these weights and times, as it is and .double().
    // At these times torch's log is the nearest float; at one in 77 of the timesteps it is the next one.
    constexpr std::array in_float{0.0,         0.0,         0.0,         1.0,          1.0,          1.0,
                                  0.813763976, 0.717478335, 0.448939919, 0.581195474,  -0.696580827, -0.893561959,
                                  0.288765252, 0.763306677, 0.998258054, -0.957399964, 0.646036327,  0.0589985363};
    constexpr std::array in_double{0.0,
                                   0.0,
                                   0.0,
                                   1.0,
                                   1.0,
                                   1.0,
                                   0.813763848174624,
                                   0.717461925590594,
                                   0.448925450050802,
                                   0.581195663614267,
                                   -0.696597721305372,
                                   -0.893569214049301,
                                   0.288766788392684,
                                   0.763318885888597,
                                   0.998253288977162,
                                   -0.957399468310577,
                                   0.64602188697117,
                                   0.0590793622704141};
    batch<float> single(6, 3);
    batch<double> twice(6, 3);
    example<float>().forward(times, single);
    example<double>().forward(times, twice);
    for (ddpm::isize i = 0; i < 18; ++i) {
        CHECK(std::abs(static_cast<double>(single.data()[i]) - in_float[static_cast<std::size_t>(i)]) <= 2e-7);
        CHECK(std::abs(twice.data()[i] - in_double[static_cast<std::size_t>(i)]) <= 1e-12);
    }
}

TEMPLATE_TEST_CASE("the Fourier embedding takes either order", "[nn]", float, double) {
    batch<TestType> sines_first(6, 3), cosines_first(6, 3);
    example<TestType>().forward(times, sines_first);
    example<TestType>(nn::embedding_order::cos_sin).forward(times, cosines_first);
    CHECK((sines_first.topRows(3) == cosines_first.bottomRows(3)).all());
    CHECK((sines_first.bottomRows(3) == cosines_first.topRows(3)).all());
}

TEST_CASE("a Fourier embedding of many frequencies and times is that of each alone", "[nn]") {
    nn::fourier_embedding<double> layer(130);
    disturb(layer, 16, 1);
    batch<double> t(70, 1);
    for (ddpm::isize n = 0; n < 70; ++n) {
        t(n, 0) = static_cast<double>(1 + 13 * n);
    }
    batch<double> all(260, 70), one(260, 1);
    layer.forward(std::span<const double>(t.data(), 70), all);
    double difference = 0;
    for (ddpm::isize n = 0; n < 70; ++n) {
        layer.forward(std::span<const double>(t.data() + n, 1), one);
        CHECK((one == all.col(n)).all());
        for (ddpm::isize i = 0; i < 130; ++i) {
            const double angle = 2 * std::log(t(n, 0)) * layer.weight[i] * 3.14159265358979323846;
            difference = std::max(
                {difference, std::abs(all(i, n) - std::sin(angle)), std::abs(all(130 + i, n) - std::cos(angle))});
        }
    }
    CHECK(difference <= 1e-11);
}

TEST_CASE("a Fourier embedding's time of 0 is not a number, and its weight is stored", "[nn]") {
    nn::fourier_embedding<float> layer = example<float>();
    batch<float> out(6, 1);
    layer.forward(std::array<double, 1>{0}, out);
    CHECK(out.isNaN().all());
    const auto list = nn::parameters(layer);
    REQUIRE(list.size() == 1);
    CHECK(list[0].name == "weight");
    CHECK(list[0].shape == nn::tensor_shape{3});
}

TEST_CASE("a Fourier embedding refuses shapes that do not fit", "[nn]") {
    batch<float> wrong_size(3, 3), wrong_count(6, 2);
    CHECK_THROWS_AS(example<float>().forward(times, wrong_size), shape_error);
    CHECK_THROWS_AS(example<float>().forward(times, wrong_count), shape_error);
}

}  // namespace ddpm::test
