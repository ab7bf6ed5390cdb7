// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/monotone_curve.hpp>

#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/monotone_network.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"
#include "train/monotone_curve_check.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

namespace ddpm::test {

static_assert(MonotoneCurve<monotone_line<float>> && MonotoneCurve<monotone_line<double>>);
static_assert(MonotoneCurve<fixed_ends<monotone_line<float>>> && MonotoneCurve<fixed_ends<monotone_network<double>>>);
static_assert(!MonotoneCurve<double> && !MonotoneCurve<nn::tensor<float>>);

namespace {

monotone_network<double> bent_curve() {
    monotone_network<double> net({.first = -3, .last = 2, .features = 7, .seed = 3});
    disturb(net, 2, 4);
    return net;
}

}  // namespace

TEMPLATE_TEST_CASE("a monotone line is b + |w| t", "[train]", float, double) {
    monotone_line<TestType> line(-2, 3);
    CHECK(line(0).value == -2);
    CHECK(line(1).value == 3);
    CHECK(line(0.5).value == 0.5);
    CHECK(line(0.5).slope == 5);
    line.weight[0] = TestType(-1.5);
    CHECK(line(1).value == -0.5);
    CHECK(line(1).slope == 1.5);
    CHECK(monotone_line<TestType>()(7).value == 0);
    const auto names = nn::parameters(line);
    REQUIRE(names.size() == 2);
    CHECK(names[0].name == "weight");
    CHECK(names[1].name == "bias");
}

TEST_CASE("a monotone line refuses ends that fall or are not finite", "[train]") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    CHECK_NOTHROW(monotone_line<float>(1, 1));
    CHECK_THROWS_AS(monotone_line<float>(5, -13.3), value_error);
    CHECK_THROWS_AS(monotone_line<double>(0, std::nan("")), value_error);
    CHECK_THROWS_AS(monotone_line<double>(std::nan(""), 0), value_error);
    CHECK_THROWS_AS(monotone_line<double>(0, infinity), value_error);
    CHECK_THROWS_AS(monotone_line<double>(-1e308, 1e308), value_error);
    CHECK_THROWS_AS(monotone_line<float>(-1e39, 0), value_error);
    CHECK_NOTHROW(monotone_line<double>(-1e39, 0));
}

TEST_CASE("the gradients of monotone curves are the central differences, and curves rise", "[train]") {
    monotone_line<double> line(-2, 3);
    check_curve(line);
    line.weight[0] = -1.5;
    check_curve(line);
    fixed_ends<monotone_network<double>> scaled(bent_curve(), -5, 4);
    check_curve(scaled);
    // A weight of 0 learns to rise.
    monotone_line<double> flat(1, 1), d;
    flat.backward(0.5, 2, 3, d);
    CHECK(d.weight[0] == 2 * 0.5 + 3);
    CHECK(d.bias[0] == 2);
}

TEST_CASE("fixed ends stay, whatever is learned", "[train]") {
    fixed_ends<monotone_network<double>> curve(bent_curve(), -13.3, 5);
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

TEST_CASE("fixed ends scale the curve that they hold", "[train]") {
    const monotone_network<double> inner = bent_curve();
    const fixed_ends<monotone_network<double>> curve(inner, -13.3, 5);
    const double start = inner(0).value, scale = 18.3 / (inner(1).value - start);
    for (const double t : curve_places) {
        CHECK(std::abs(curve(t).value - (-13.3 + scale * (inner(t).value - start))) < 1e-12);
        CHECK(std::abs(curve(t).slope - scale * inner(t).slope) < 1e-12 * scale);
    }
}

TEST_CASE("fixed ends refuse ends that do not rise", "[train]") {
    const auto made = [](double first, double last) {
        return fixed_ends<monotone_line<float>>(monotone_line<float>(0, 1), first, last);
    };
    CHECK_NOTHROW(made(-1, 1));
    CHECK_THROWS_AS(made(2, 2), value_error);
    CHECK_THROWS_AS(made(2, 1), value_error);
    CHECK_THROWS_AS(made(0, std::numeric_limits<double>::infinity()), value_error);
    CHECK_THROWS_AS(made(-1e308, 1e308), value_error);
    CHECK_THROWS_AS(made(std::nan(""), 1), value_error);
}

TEST_CASE("fixed ends refuse a curve that does not rise", "[train]") {
    using line = monotone_line<double>;
    CHECK_NOTHROW(fixed_ends<line>(line(0, 1e-9), -1, 1));
    CHECK_THROWS_AS(fixed_ends<line>(line(), -1, 1), value_error);
    CHECK_THROWS_AS(fixed_ends<line>(line(3, 3), -1, 1), value_error);
    for (const double weight : {std::nan(""), std::numeric_limits<double>::infinity()}) {
        line learned(0, 1);
        learned.weight[0] = weight;
        CHECK_THROWS_AS(fixed_ends<line>(learned, -1, 1), value_error);
    }
    // A network that is as flat as its options say.
    const monotone_network<double> flat({.first = 2, .last = 2, .features = 7, .spread = 0});
    CHECK_THROWS_AS(fixed_ends<monotone_network<double>>(flat, -1, 1), value_error);
}

TEMPLATE_TEST_CASE("a monotone line keeps its bounds of roundings", "[train]", float, double) {
    using S = TestType;
    random_numbers random;
    for (int i = 0; i < 1000; ++i) {
        monotone_line<S> line, d;
        line.weight[0] = random.values<S>(1, 1)(0);
        line.bias[0] = random.values<S>(1, 1)(0);
        const double t = random.uniform(-2, 2), dvalue = random.uniform(-3, 3), dslope = random.uniform(-3, 3);
        const long double slope = std::abs(line.weight[0]), bias = line.bias[0], rise = slope * t;
        CHECK(line(t).slope == slope);
        CHECK(within(line(t).value, bias + rise, roundings<double>(2) * (std::abs(bias) + std::abs(rise))));
        line.backward(t, dvalue, dslope, d);
        const long double by_value = dvalue * static_cast<long double>(t),
                          of_slope = (by_value + dslope) * (line.weight[0] < 0 ? -1 : 1);
        CHECK(within(
            d.weight[0], of_slope,
            roundings<double>(2) * (std::abs(by_value) + std::abs(dslope)) + roundings<S>(1) * std::abs(of_slope)));
        CHECK(d.bias[0] == static_cast<S>(dvalue));
    }
}

TEST_CASE("fixed ends keep their bounds of roundings", "[train]") {
    const monotone_network<double> inner = bent_curve();
    const fixed_ends<monotone_network<double>> curve(inner, -13.3, 5);
    const long double first = -13.3, last = 5, start = inner(0).value,
                      scale = (last - first) / (inner(1).value - start);
    random_numbers random;
    for (int i = 0; i < 1000; ++i) {
        const double t = random.uniform(0, 1);
        const curve_point point = inner(t);
        const long double above = scale * (point.value - start), slope = scale * point.slope;
        CHECK(within(curve(t).value, first + above, roundings<double>(6) * (std::abs(first) + std::abs(above))));
        CHECK(within(curve(t).slope, slope, roundings<double>(4) * slope));
    }
}

}  // namespace ddpm::test
