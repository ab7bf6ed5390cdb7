// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/guidance.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/predictor/projected_guidance.hpp>

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
    projected_guidance_options options;
    std::vector<double> expected;
};

// Printed by make_golden.py: the last of three evaluations of a run.
const golden goldens[] = {
    {{.scale = 7.5, .parallel = 1, .norm = 15, .momentum = 0, .from_conditional = false},
     {-4.664381639648066, 10.25217646161004, 14.073693704786841, -2.2030129897205524, -2.9677115022949434,
      0.7892346378223989, -4.798194971853579, 1.2194567525261963, -4.16711372884461, 0.18887582456386653,
      15.593301396441095, 7.268905112147879}},
    {{.scale = 7.5, .parallel = 0, .norm = 1.5, .momentum = 0, .from_conditional = false},
     {-3.2613266021179856, 1.0786210607691138, 2.547558468344513, -2.9963110979215504, 0.04132284788188328,
      2.9220977550431115, -1.6923622858484764, 3.441839251839884, -0.9784387181104555, -2.577272350149542,
      2.8410974868254195, -0.2855592603147072}},
    {{.scale = 4, .parallel = 0.25, .norm = 2.5, .momentum = -0.5, .from_conditional = false},
     {-1.2851328645868727, 0.333583490786559, 2.668877622478357, -0.4758884509698088, -0.9739810393419964,
      1.3246910811223367, -1.4623143395708176, 1.057677456321419, 0.17795557217378366, -1.3807553484410664,
      1.8294782587594072, 1.6037258351886536}},
    {{.scale = 4, .parallel = 0.25, .norm = 0, .momentum = -0.75, .from_conditional = false},
     {0.5265916690982395, 0.506017308957016, 1.4523181646760668, 0.0032503225103106548, -1.0063675305494515,
      0.5933570222264801, -1.047733128220484, 0.12775995837328424, 1.002567356909638, 0.2226555669214506,
      0.9926629969934099, 1.083981641171695}},
    {{.scale = 4, .parallel = 0, .norm = 2.5, .momentum = -0.5, .from_conditional = true},
     {-1.5941971140622497, 1.004941969347901, 3.1482493427535667, -0.8054330669602039, -0.9123467581228812,
      1.3456734107385977, -1.572133511542404, 1.219959811264645, -0.22950298656428447, -1.2853742489882591,
      2.6470347990269376, 1.6335968162728158}},
    {{.scale = 7.5, .parallel = 0.5, .norm = 2, .momentum = -0.5, .from_conditional = true, .rescale = 0.7},
     {-1.36203958124812, 1.4446800660315064, 3.4843692344921937, -0.510045770279645, -1.0365682707224915,
      0.9287794364791848, -1.5742363161317143, 0.7846750138914655, -0.3639306523150302, -0.864213622734344,
      3.1452809827501147, 2.0473809226522017}},
};

template <Scalar S>
auto golden_predictor(const projected_guidance_options& options) {
    return projected_guided(counted<S>(golden_conditional), counted<S>(golden_unconditional), options);
}

}  // namespace

TEMPLATE_TEST_CASE("projected guidance is that of diffusers", "[predictor]", float, double) {
    using S = TestType;
    for (const golden& g : goldens) {
        CHECK(distance_to(golden_run<S>(golden_predictor<S>(g.options), 3), g.expected) < ulps<S>(400));
    }
}

TEST_CASE("projected guidance without its means is guidance", "[predictor]") {
    const auto plain = guided(counted<double>(golden_conditional), counted<double>(golden_unconditional), 4);
    for (const bool from_conditional : {false, true}) {
        const auto p = golden_predictor<double>({.scale = 4, .norm = 0, .from_conditional = from_conditional});
        CHECK((golden_run<double>(p, 2) - golden_run<double>(plain, 2)).abs().maxCoeff() < 1e-13);
    }
}

TEST_CASE("the update has no part along the prediction, and a limited norm", "[predictor]") {
    const auto p = golden_predictor<double>({.scale = 3, .parallel = 0, .norm = 0.5, .from_conditional = true});
    const batch<double> x = batch<double>::Zero(6, 2);
    const batch<double> conditional = evaluate<double>(counted<double>(golden_conditional), x, {0, 0});
    const batch<double> update = evaluate<double>(p, x, {0, 0}) - conditional;
    for (isize n = 0; n < 2; ++n) {
        CHECK(std::abs((update.col(n) * conditional.col(n)).sum()) < 1e-14);
        const double norm = update.col(n).matrix().norm();
        CHECK((norm > 0.1 && norm <= 2 * 0.5));
    }
}

TEST_CASE("each run has its own momentum, which waits outside the interval", "[predictor]") {
    const projected_guidance_options options{.scale = 4, .momentum = -0.5, .interval = {.to = 1}};
    const auto p = golden_predictor<double>(options);
    const batch<double> x = batch<double>::Zero(6, 2);
    auto first = p.session(2);
    const batch<double> fresh = call<double>(first, x, {1, 1});
    const batch<double> second = call<double>(first, x, {1, 1});
    CHECK((second != fresh).all());
    CHECK((evaluate<double>(p, x, {1, 1}) == fresh).all());  // another run in between
    static_cast<void>(call<double>(first, x, {2, 2}));       // outside
    const batch<double> third = call<double>(first, x, {1, 1});
    auto again = p.session(2);
    static_cast<void>(call<double>(again, x, {1, 1}));
    CHECK((call<double>(again, x, {1, 1}) == second).all());
    CHECK((call<double>(again, x, {1, 1}) == third).all());
}

TEST_CASE("a prediction of 0 has no direction", "[predictor]") {
    const auto zero = [](double, isize, isize) { return 0.0; };
    const auto one = [](double, isize, isize) { return 1.0; };
    const auto p = projected_guided(counted<double>(zero), counted<double>(one), {.scale = 3, .parallel = 0});
    CHECK((evaluate<double>(p, batch<double>::Zero(2, 1), {0}) == -2).all());
    const auto same = projected_guided(counted<double>(one), counted<double>(one), {.scale = 3, .parallel = 0});
    CHECK((evaluate<double>(same, batch<double>::Zero(2, 1), {0}) == 1).all());
}

TEST_CASE("projected_guided: what is no guidance is an error", "[predictor]") {
    const auto with = [](const projected_guidance_options& options) { return golden_predictor<float>(options); };
    const double nan = std::nan("");
    CHECK_NOTHROW(with({}));
    CHECK_THROWS_AS(with({.scale = nan}), value_error);
    CHECK_THROWS_AS(with({.parallel = nan}), value_error);
    CHECK_THROWS_AS(with({.norm = -1}), value_error);
    CHECK_THROWS_AS(with({.norm = nan}), value_error);
    CHECK_THROWS_AS(with({.momentum = std::numeric_limits<double>::infinity()}), value_error);
    CHECK_THROWS_AS(with({.rescale = 2}), value_error);
    CHECK_THROWS_AS(with({.interval = {2, 1}}), value_error);
    CHECK_THROWS_AS(projected_guided(session_archetype<float>{}, predictor_archetype<float>{}), value_error);

    const auto p = golden_predictor<double>({.momentum = -0.5});
    auto session = p.session(2);
    CHECK_NOTHROW(call<double>(session, batch<double>::Zero(6, 2), {0, 0}));
    CHECK_THROWS_AS(call<double>(session, batch<double>::Zero(6, 3), {0, 0, 0}), shape_error);
    CHECK_THROWS_AS(call<double>(session, batch<double>::Zero(5, 2), {0, 0}), shape_error);
}

TEST_CASE("projected guidance of scale 0 is the unconditional prediction, whatever the conditional one is",
          "[predictor]") {
    const auto broken = [](double, isize i, isize) {
        return i == 0 ? std::numeric_limits<double>::infinity() : std::nan("");
    };
    const batch<double> x = batch<double>::Zero(6, 2);
    const batch<double> unconditional = evaluate<double>(counted<double>(golden_unconditional), x, {0, 1});
    for (const double momentum : {0.0, -0.5}) {
        for (const double rescale : {0.0, 0.5}) {
            const auto p = projected_guided(counted<double>(broken), counted<double>(golden_unconditional),
                                            {.scale = 0, .parallel = 0, .momentum = momentum, .rescale = rescale});
            CHECK((evaluate<double>(p, x, {0, 1}) == unconditional).all());
        }
    }
}

TEST_CASE("projected guidance has largest factors", "[predictor]") {
    const auto with = [](const projected_guidance_options& options) {
        return projected_guided(counted<float>(golden_conditional), counted<float>(golden_unconditional), options);
    };
    CHECK_NOTHROW(with({.scale = 1e6, .parallel = -1e6, .momentum = 1e6}));
    CHECK_THROWS_AS(with({.scale = 1e300}), value_error);
    CHECK_THROWS_AS(with({.parallel = 1e300}), value_error);
    CHECK_THROWS_AS(with({.momentum = -1e300}), value_error);
}

TEMPLATE_TEST_CASE("projected guidance keeps its bounds of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    constexpr isize d = 7;
    const long double bound = roundings<S>(4) + roundings<double>(3 * d + 10);
    const auto of = [](const batch<S>& values) {
        return counted<S>([&values](double, isize row, isize) { return values(row); });
    };
    for (int k = 0; k < 200; ++k) {
        const batch<S> with = random.values<S>(d, 1), without = random.values<S>(d, 1), sum = with - without;
        const projected_guidance_options options{.scale = random.uniform(-5, 20),
                                                 .parallel = random.uniform(-1, 2),
                                                 .norm = k % 2 == 0 ? 0 : random.of_any_size(1, 1e4),
                                                 .from_conditional = k % 4 < 2};
        const batch<S> got = evaluate<S>(projected_guided(of(with), of(without), options), with, {0});
        long double square = 0, product = 0, products = 0, along = 0;
        for (isize i = 0; i < d; ++i) {
            const long double s = sum(i), c = with(i);
            square += s * s;
            along += c * c;
            product += s * c;
            products += std::abs(s * c);
        }
        const long double norm = std::sqrt(square), scale = options.scale, most = options.norm;
        const long double factor =
            (options.from_conditional ? scale - 1 : scale) * (most > 0 && norm > most ? most / norm : 1);
        for (isize i = 0; i < d; ++i) {
            const long double s = sum(i), c = (static_cast<long double>(options.parallel) - 1) * with(i) / along;
            const long double start = options.from_conditional ? with(i) : without(i);
            CHECK(within(got(i), start + factor * (s + c * product),
                         bound * (std::abs(start) + std::abs(factor) * (std::abs(s) + std::abs(c) * products))));
        }

        const long double momentum = random.uniform(-2, 2);
        const auto p = projected_guided(
            of(with), of(without),
            {.scale = 2, .norm = 0, .momentum = static_cast<double>(momentum), .from_conditional = true});
        auto session = p.session(1);
        static_cast<void>(call<S>(session, with, {0}));
        const batch<S> second = call<S>(session, with, {0});
        for (isize i = 0; i < d; ++i) {
            const long double c = with(i), difference = c - without(i), before = momentum * sum(i);
            CHECK(within(second(i), c + difference + before,
                         bound * (std::abs(c) + std::abs(difference + before)) +
                             roundings<S>(3) * (std::abs(difference) + std::abs(before))));
        }
    }
}

}  // namespace ddpm::test
