// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/monotone_network.hpp>

#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "train/monotone_curve_check.hpp"

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

}  // namespace ddpm::test
