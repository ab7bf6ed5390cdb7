// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/monotone_network.hpp>

#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"
#include "train/monotone_curve_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace ddpm::test {

static_assert(MonotoneCurve<monotone_network<float>> && MonotoneCurve<monotone_network<double>>);

namespace {

monotone_network<double> bent() {
    monotone_network<double> net({.first = -3, .last = 2, .features = 7, .seed = 3});
    disturb(net, 2, 4);
    return net;
}

}  // namespace

TEST_CASE("the gradients of a monotone network are the central differences, and it rises", "[train]") {
    monotone_network<double> net = bent();
    check_curve(net);
}

TEST_CASE("a monotone network is the formula of its paper", "[train]") {
    monotone_network<double> net = bent();
    const auto p = nn::parameters(net);
    REQUIRE(p.size() == 5);
    CHECK(p[0].name == "l1.weight");
    CHECK(p[4].name == "l3.weight");
    for (const double t : curve_places) {
        double expected = std::abs(p[0].values[0]) * t + p[1].values[0];
        for (std::size_t k = 0; k < 7; ++k) {
            const double a = std::abs(p[2].values[k]) * 2 * (t - 0.5) + p[3].values[k];
            expected += std::abs(p[4].values[k]) * std::tanh(a / 2) / 7;
        }
        CHECK(std::abs(net(t).value - expected) < 1e-12);
    }
    const monotone_network<float> start;
    CHECK(nn::parameter_count(start) == 2 + 3 * 1024);
    CHECK(std::abs(start(0).value + 13.3) < 0.01);
    CHECK(std::abs(start(1).value - 5) < 0.01);
}

TEST_CASE("a monotone network refuses what it cannot be", "[train]") {
    CHECK_THROWS_AS((monotone_network<float>({.features = 0})), value_error);
    CHECK_THROWS_AS((monotone_network<float>({.first = 1, .last = 0})), value_error);
    CHECK_THROWS_AS((monotone_network<float>({.spread = -1})), value_error);
    const monotone_network<float> net({.features = 3});
    monotone_network<float> d({.features = 3}), other({.features = 2});
    CHECK_THROWS_AS(net.backward(0.5, 1, 1, other), shape_error);
    CHECK_NOTHROW(net.backward(0.5, 1, 1, d));
}

TEMPLATE_TEST_CASE("a monotone network keeps its bounds of roundings", "[train]", float, double) {
    using S = TestType;
    for (const isize features : {1, 7, 300}) {
        monotone_network<S> net({.first = -3, .last = 2, .features = features, .seed = 3});
        disturb(net, 4, 4);
        const auto p = nn::parameters(net);
        random_numbers random;
        for (int i = 0; i < 50; ++i) {
            const double t = random.uniform(-0.5, 1.5);
            const long double x = 2 * static_cast<long double>(t) - 1, share = 1 / static_cast<long double>(features);
            const long double weight = std::abs(p[0].values[0]), bias = p[1].values[0];
            long double value = bias + weight * t, value_size = std::abs(bias) + std::abs(weight * t);
            long double slope = weight, slope_size = weight, largest = 0;
            for (std::size_t k = 0; k < static_cast<std::size_t>(features); ++k) {
                const long double in = std::abs(p[2].values[k]), from = p[3].values[k],
                                  out = std::abs(p[4].values[k]) * share;
                const long double s = 1 / (1 + std::exp(-(in * x + from)));
                value += out * (2 * s - 1);
                value_size += out;
                slope += out * 4 * in * s * (1 - s);
                slope_size += out * in;
                largest = std::max(largest, std::abs(in * x) + std::abs(from));
            }
            const long double count = static_cast<long double>(features) + 20 + 3 * largest;
            const curve_point point = net(t);
            INFO(features << " features at " << t);
            CHECK(within(point.value, value, roundings<double>(count) * value_size));
            CHECK(within(point.slope, slope, roundings<double>(count) * slope_size));
        }
    }
}

}  // namespace ddpm::test
