// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/monotone_network.hpp>

#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace ddpm::test {

static_assert(MonotoneCurve<monotone_line<float>> && MonotoneCurve<monotone_network<double>> &&
              MonotoneCurve<fixed_ends<monotone_network<float>>>);

namespace {

constexpr double places[] = {0, 0.1, 0.37, 0.5, 0.93, 1};

monotone_network<double> bent() {
    monotone_network<double> net({.first = -3, .last = 2, .features = 7, .seed = 3});
    disturb(net, 2, 4);
    return net;
}

/// A sum of values and slopes against its central differences with respect to parameters and t.
template <class Curve>
void check_curve(Curve& curve) {
    const double dvalue = 0.7, dslope = -1.3;
    const auto loss = [&] {
        double sum = 0;
        for (const double t : places) {
            const curve_point p = curve(t);
            sum += (1 + t) * (dvalue * p.value + dslope * p.slope);
        }
        return sum;
    };
    Curve d = nn::zeros_like(curve);
    for (const double t : places) {
        curve.backward(t, (1 + t) * dvalue, (1 + t) * dslope, d);
    }
    const auto values = nn::parameters(curve);
    const auto analytic = nn::parameters(d);
    double largest = 0, difference = 0;
    for (std::size_t k = 0; k < values.size(); ++k) {
        for (std::size_t i = 0; i < values[k].values.size(); ++i) {
            double& value = values[k].values[i];
            const double kept = value, h = 1e-5;
            value = kept + h;
            const double above = loss();
            value = kept - h;
            const double below = loss();
            value = kept;
            largest = std::max(largest, std::abs(analytic[k].values[i]));
            difference = std::max(difference, std::abs((above - below) / (2 * h) - analytic[k].values[i]));
        }
    }
    CHECK(difference < 1e-6 * largest);
    CHECK(largest > 0);
    for (const double t : places) {
        const double h = 1e-6, numeric = (curve(t + h).value - curve(t - h).value) / (2 * h);
        CHECK(std::abs(numeric - curve(t).slope) < 1e-6 * (1 + numeric));
        CHECK(curve(t).slope >= 0);
    }
}

}  // namespace

TEST_CASE("the gradients of monotone curves are the central differences", "[nn]") {
    monotone_line<double> line(-2, 3);
    check_curve(line);
    line.weight[0] = -1.5;
    check_curve(line);
    CHECK(line(1).value == -0.5);
    monotone_network<double> net = bent();
    check_curve(net);
    fixed_ends<monotone_network<double>> scaled(bent(), -5, 4);
    check_curve(scaled);
}

TEST_CASE("a monotone network is the formula of its paper", "[nn]") {
    monotone_network<double> net = bent();
    const auto p = nn::parameters(net);
    REQUIRE(p.size() == 5);
    CHECK(p[0].name == "l1.weight");
    CHECK(p[4].name == "l3.weight");
    for (const double t : places) {
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

TEST_CASE("fixed ends stay, whatever is learned", "[nn]") {
    fixed_ends<monotone_network<double>> curve(bent(), -13.3, 5);
    for (int round = 0; round < 3; ++round) {
        CHECK(std::abs(curve(0).value + 13.3) < 1e-12);
        CHECK(std::abs(curve(1).value - 5) < 1e-12);
        double before = curve(0).value;
        for (int i = 1; i <= 50; ++i) {
            CHECK(curve(i / 50.0).value >= before);
            before = curve(i / 50.0).value;
        }
        disturb(curve, 1, static_cast<std::uint64_t>(round));
    }
}

TEST_CASE("monotone curves refuse what they cannot be", "[nn]") {
    CHECK_THROWS_AS((monotone_network<float>({.features = 0})), value_error);
    CHECK_THROWS_AS((monotone_network<float>({.first = 1, .last = 0})), value_error);
    CHECK_THROWS_AS((monotone_network<float>({.spread = -1})), value_error);
    using line = monotone_line<float>;
    CHECK_THROWS_AS((fixed_ends<line>(line(0, 1), 2, 2)), value_error);
    CHECK_THROWS_AS((fixed_ends<line>(line(0, 1), 0, HUGE_VAL)), value_error);
}

}  // namespace ddpm::test
