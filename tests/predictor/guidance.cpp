// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/guidance.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/guidance_golden.hpp"
#include "support/predictors.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

struct golden {
    guidance_options options;
    std::vector<double> expected;
};

// Printed by make_golden.py.
const golden goldens[] = {
    {{.scale = 7.5, .rescale = 0.0},
     {11.26598682361565, 13.31841423680609, -2.932706802778375, -2.4802684950534735, 0.512032879023402,
      -5.330666968253143, 1.2498188224348648, -4.531460432693741, 1.196277181063644, 15.93649329874971,
      6.124524376909081, -5.331726718280307}},
    {{.scale = 7.5, .rescale = 0.7},
     {4.167079913975678, 4.92623480935253, -1.0847539414674643, -0.9174053892322052, 0.1893914806469464,
      -1.9717150036903965, 0.46049530049357995, -1.6696149843245163, 0.4407679017781995, 5.871795286395706,
      2.256578827826051, -1.9644728125480724}},
    {{.scale = 3, .rescale = 1.0},
     {1.1675003734111813, 1.3535872774921152, -0.16373574103332747, -0.2960524824024612, -0.08190612922956189,
      -0.44595565288898903, -0.027103977221236544, -0.42209408623888234, 0.2347850304577512, 1.5704577167052123,
      0.6887435873874509, -0.4421628590442581}},
};

}  // namespace

TEMPLATE_TEST_CASE("guidance is that of diffusers", "[predictor]", float, double) {
    using S = TestType;
    for (const golden& g : goldens) {
        const auto p = guided(counted<S>(golden_conditional), counted<S>(golden_unconditional), g.options);
        CHECK(distance_to(golden_run<S>(p, 1), g.expected) < ulps<S>(200));
    }
    const auto plain = guided(counted<S>(golden_conditional), counted<S>(golden_unconditional), 7.5);
    CHECK(distance_to(golden_run<S>(plain, 1), goldens[0].expected) < ulps<S>(200));
}

TEST_CASE("full rescaling gives the deviation of the conditional prediction, none where there is none", "[predictor]") {
    const isize d = 2000;
    const auto deviation = [](const batch<double>& x) { return std::sqrt((x - x.mean()).square().mean()); };
    const auto with = [](double, isize i, isize) { return 1000 + std::sin(static_cast<double>(i)); };
    const auto without = [](double, isize i, isize) { return 900 + std::cos(static_cast<double>(3 * i)); };
    const auto p = guided(counted<double>(with), counted<double>(without), {.scale = 5, .rescale = 1});
    const batch<double> x = batch<double>::Zero(d, 1);
    const batch<double> expected = evaluate<double>(counted<double>(with), x, {0});
    CHECK(std::abs(deviation(evaluate<double>(p, x, {0})) - deviation(expected)) < 1e-12);

    const auto constant = [](double, isize, isize) { return 3.0; };
    const auto other = [](double, isize, isize) { return 1.0; };
    const auto flat = guided(counted<double>(constant), counted<double>(other), {.scale = 2, .rescale = 1});
    CHECK((evaluate<double>(flat, x, {0}) == 5).all());
}

TEST_CASE("rescaling leaves samples outside the interval alone", "[predictor]") {
    const auto p = guided(counted<double>(golden_conditional), counted<double>(golden_unconditional),
                          {.scale = 3, .rescale = 0.5, .interval = {.from = 0.5}});
    const batch<double> x = batch<double>::Zero(6, 2);
    const batch<double> got = evaluate<double>(p, x, {0, 1});
    const batch<double> conditional = evaluate<double>(counted<double>(golden_conditional), x, {0, 1});
    CHECK((got.col(0) == conditional.col(0)).all());
    CHECK((got.col(1) != conditional.col(1)).all());
}

TEST_CASE("guided: what is no guidance is an error", "[predictor]") {
    const auto with = [](const guidance_options& options) {
        return guided(counted<float>(golden_conditional), counted<float>(golden_unconditional), options);
    };
    CHECK_NOTHROW(with({}));
    CHECK_NOTHROW(with({.rescale = 1, .interval = {3, 3}}));
    CHECK_THROWS_AS(with({.scale = std::nan("")}), value_error);
    CHECK_THROWS_AS(with({.scale = std::numeric_limits<double>::infinity()}), value_error);
    CHECK_THROWS_AS(with({.rescale = -0.1}), value_error);
    CHECK_THROWS_AS(with({.rescale = 1.1}), value_error);
    CHECK_THROWS_AS(with({.rescale = std::nan("")}), value_error);
    CHECK_THROWS_AS(with({.interval = {3, 2}}), value_error);
    CHECK_THROWS_AS(with({.interval = {std::nan(""), 2}}), value_error);
}

TEMPLATE_TEST_CASE("what has no weight in guidance may be infinite", "[predictor]", float, double) {
    using S = TestType;
    const double infinite = std::numeric_limits<double>::infinity();
    const auto broken = [=](double, isize i, isize) { return i == 0 ? infinite : i == 1 ? std::nan("") : -infinite; };
    const batch<S> x = batch<S>::Zero(6, 2);
    const batch<S> conditional = evaluate<S>(counted<S>(golden_conditional), x, {0, 1});
    const batch<S> unconditional = evaluate<S>(counted<S>(golden_unconditional), x, {0, 1});
    for (const double rescale : {0.0, 0.5}) {
        const auto p = guided(counted<S>(broken), counted<S>(golden_unconditional), {.scale = 0, .rescale = rescale});
        CHECK((evaluate<S>(p, x, {0, 1}) == unconditional).all());
        // Outside the interval the conditional prediction stands alone.
        const auto within = guided(counted<S>(golden_conditional), counted<S>(broken),
                                   {.scale = 3, .rescale = rescale, .interval = {.from = 0.5}});
        const batch<S> got = evaluate<S>(within, x, {0, 1});
        CHECK((got.col(0) == conditional.col(0)).all());
        CHECK_FALSE(got.col(1).allFinite());
    }
    CHECK((evaluate<S>(autoguided(counted<S>(broken), counted<S>(golden_unconditional), 0), x, {0, 1}) == unconditional)
              .all());
}

TEST_CASE("guidance has a largest scale, with which nothing overflows", "[predictor]") {
    const auto with = [](double scale) {
        return guided(counted<float>(golden_conditional), counted<float>(golden_unconditional), scale);
    };
    CHECK(evaluate<float>(with(1e6), batch<float>::Zero(6, 2), {0, 1}).allFinite());
    CHECK_NOTHROW(with(-1e6));
    CHECK_THROWS_AS(with(1.1e6), value_error);
    CHECK_THROWS_AS(with(1e300), value_error);
    CHECK_THROWS_AS(with(-1e300), value_error);
}

TEST_CASE("autoguidance goes away from the weak network", "[predictor]") {
    const auto net = [](double, isize i, isize) { return static_cast<double>(i); };
    const auto weak = [](double, isize i, isize) { return static_cast<double>(2 * i); };
    const batch<double> x = batch<double>::Zero(4, 2);
    const auto p = autoguided(counted<double>(net), counted<double>(weak), 3);
    static_assert(PredictorLike<decltype(p), double>);
    const batch<double> got = evaluate<double>(p, x, {0, 5});
    for (isize i = 0; i < 4; ++i) {
        CHECK((got.row(i) == static_cast<double>(-i)).all());  // 2i + 3 (i − 2i)
    }
    int calls = 0;
    const auto within =
        autoguided(counted<double>(net), counted<double>(weak, &calls), {.scale = 3, .interval = {.from = 1}});
    const batch<double> half = evaluate<double>(within, x, {0, 5});
    CHECK(calls == 1);
    CHECK((half.col(0) == -got.col(0)).all());
    CHECK((half.col(1) == got.col(1)).all());
    CHECK_THROWS_AS(autoguided(session_archetype<double>{}, predictor_archetype<double>{}, 2), value_error);
}

TEMPLATE_TEST_CASE("guidance keeps its bound of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    for (int i = 0; i < 300; ++i) {
        const batch<S> with = random.values<S>(5, 1), without = random.values<S>(5, 1);
        const double scale = i % 3 == 0 ? random.uniform(0.99, 1.01) : random.uniform(-5, 20);
        const auto of = [](const batch<S>& values) {
            return counted<S>([&values](double, isize row, isize) { return values(row); });
        };
        const batch<S> got = evaluate<S>(guided(of(with), of(without), scale), with, {0});
        for (isize row = 0; row < 5; ++row) {
            const long double a = with(row), b = without(row);
            CHECK(within(got(row), b + scale * (a - b),
                         roundings<S>(4) * (std::abs(scale) * (std::abs(a) + std::abs(b)) + std::abs(b))));
        }
    }
}

TEMPLATE_TEST_CASE("rescaled guidance keeps its bound of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    constexpr isize d = 9;
    const auto squared_deviation_of = [](const auto& values) {
        const Eigen::Array<long double, d, 1> wide = values.template cast<long double>();
        return (wide - wide.mean()).square().sum();
    };
    for (int k = 0; k < 100; ++k) {
        batch<S> with(d, 1), without(d, 1);  // whole numbers, so that what is rescaled is exact
        for (isize i = 0; i < d; ++i) {
            with(i) = static_cast<S>(std::round(random.uniform(-50, 50)));
            without(i) = static_cast<S>(std::round(random.uniform(-50, 50)));
        }
        const double phi = random.uniform(0, 1);
        const auto of = [](const batch<S>& values) {
            return counted<S>([&values](double, isize row, isize) { return values(row); });
        };
        const batch<S> got = evaluate<S>(guided(of(with), of(without), {.scale = 4, .rescale = phi}), with, {0});
        const batch<S> plain = 4 * with - 3 * without;
        const long double factor = phi * std::sqrt(squared_deviation_of(with) / squared_deviation_of(plain)) + 1 -
                                   static_cast<long double>(phi);
        for (isize i = 0; i < d; ++i) {
            const long double size = std::abs(static_cast<long double>(plain(i)));
            CHECK(within(got(i), factor * plain(i),
                         (roundings<S>(2) * factor + roundings<double>(d + 10) * (1 + factor)) * size));
        }
    }
}

}  // namespace ddpm::test
