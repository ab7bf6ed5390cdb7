// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/sigma_list.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

using list = std::vector<double>;

void check_near(const list& got, const list& expected, double relative) {
    REQUIRE(got.size() == expected.size());
    for (std::size_t k = 0; k < got.size(); ++k) {
        CAPTURE(k, got[k], expected[k]);
        CHECK(std::abs(got[k] - expected[k]) <= relative * expected[k]);
    }
}

constexpr sigma_range stable_diffusion{.lowest = 0.0292, .highest = 14.6146};

using maker = list (*)(isize, const sigma_range&);

const maker makers[] = {
    [](isize n, const sigma_range& r) { return karras_sigmas(n, r); },
    [](isize n, const sigma_range& r) { return karras_sigmas(n, r, 0.5); },
    [](isize n, const sigma_range& r) { return exponential_sigmas(n, r); },
    [](isize n, const sigma_range& r) { return polyexponential_sigmas(n, r, 2); },
    [](isize n, const sigma_range& r) { return beta_sigmas(n, r); },
    [](isize n, const sigma_range& r) { return beta_sigmas(n, r, 3, 0.2); },
};

}  // namespace

TEST_CASE("Karras sigmas have the published values", "[grid]") {
    check_near(karras_sigmas(18),
               {80, 57.585985, 40.785574, 28.374585, 19.352453, 12.910082, 8.4009353, 5.3151945, 3.2568215, 1.9233398,
                1.0881706, 0.58534812, 0.29644228, 0.13951647, 0.059947311, 0.022934518, 0.00752802, 0.002},
               5e-8);
    check_near(
        karras_sigmas(10, stable_diffusion),
        {14.6146, 9.1034048, 5.4790267, 3.1692041, 1.749901, 0.91442, 0.44714462, 0.20153187, 0.081980915, 0.0292},
        5e-8);
}

TEST_CASE("exponential and beta sigmas are those of diffusers", "[grid]") {
    check_near(exponential_sigmas(7, {.lowest = 0.0291675348, .highest = 14.6146469}),
               {14.6146469, 5.18569422, 1.84003234, 0.652896047, 0.231666163, 0.0822017714, 0.0291675348}, 3e-7);
    // Computed with forty digits.
    check_near(beta_sigmas(5, stable_diffusion), {14.6146, 12.052231405198982, 7.3219, 2.5915685948010179, 0.0292},
               1e-13);
}

TEST_CASE("lists of sigmas fall from the highest to the lowest, both exact", "[grid]") {
    for (const maker make : makers) {
        for (const isize count : {2, 3, 50}) {
            const list sigmas = make(count, stable_diffusion);
            REQUIRE(static_cast<isize>(sigmas.size()) == count);
            CHECK(sigmas.front() == stable_diffusion.highest);
            CHECK(sigmas.back() == stable_diffusion.lowest);
            for (std::size_t k = 1; k < sigmas.size(); ++k) {
                CHECK(sigmas[k] < sigmas[k - 1]);
            }
        }
        CHECK(make(1, stable_diffusion) == list{stable_diffusion.highest});
        CHECK(make(2, {.lowest = 3, .highest = 3}) == list{3, 3});
    }
}

TEST_CASE("rounding leads no sigma out of its range or above the one before", "[grid]") {
    for (int i = 1; i < 200; ++i) {
        const double lowest = 0.37 * i;
        for (const double highest : {lowest, std::nextafter(lowest, 1e9), lowest * (1 + 1e-15)}) {
            for (const auto& sigmas : {karras_sigmas(30, {lowest, highest}), exponential_sigmas(30, {lowest, highest}),
                                       beta_sigmas(30, {lowest, highest})}) {
                CHECK(std::is_sorted(sigmas.rbegin(), sigmas.rend()));
                CHECK(sigmas.front() == highest);
                CHECK(sigmas.back() == lowest);
            }
        }
    }
}

TEST_CASE("lists of sigmas are even in what they say", "[grid]") {
    const list karras = karras_sigmas(9, stable_diffusion, 3);
    const list exponential = exponential_sigmas(9, stable_diffusion);
    for (std::size_t k = 1; k + 1 < 9; ++k) {
        CHECK(std::abs(std::cbrt(karras[k - 1]) + std::cbrt(karras[k + 1]) - 2 * std::cbrt(karras[k])) <= 1e-13);
        CHECK(std::abs(exponential[k - 1] * exponential[k + 1] / (exponential[k] * exponential[k]) - 1) <= 1e-13);
    }
    // ρ = 1: linear; a beta distribution with α = β = 1 is uniform.
    check_near(beta_sigmas(9, stable_diffusion, 1, 1), karras_sigmas(9, stable_diffusion, 1), 1e-12);
    check_near(karras_sigmas(9, stable_diffusion, 1e6), exponential, 1e-4);
    const list poly = polyexponential_sigmas(3, {.lowest = std::exp(-1.0), .highest = std::exp(3.0)}, 2);
    CHECK(std::abs(poly[1] - std::exp(0.25 * 4 - 1)) <= 1e-14);
    CHECK(polyexponential_sigmas(9, stable_diffusion) == exponential);
}

TEST_CASE("lists of sigmas that cannot be are errors", "[grid]") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    for (const maker make : makers) {
        CHECK_THROWS_AS(make(0, stable_diffusion), value_error);
        CHECK_THROWS_AS(make(-1, stable_diffusion), value_error);
        for (const sigma_range& bad : {sigma_range{0, 1}, sigma_range{-1, 1}, sigma_range{2, 1},
                                       sigma_range{1, infinity}, sigma_range{nan, 1}, sigma_range{1, nan}}) {
            CHECK_THROWS_AS(make(5, bad), value_error);
        }
    }
    for (const double bad : {0.0, -1.0, nan}) {
        CHECK_THROWS_AS(karras_sigmas(5, {}, bad), value_error);
        CHECK_THROWS_AS(polyexponential_sigmas(5, {}, bad), value_error);
        CHECK_THROWS_AS(beta_sigmas(5, {}, bad, 1), value_error);
        CHECK_THROWS_AS(beta_sigmas(5, {}, 1, bad), value_error);
    }
    CHECK_THROWS_AS(beta_sigmas(5, {}, infinity, 1), value_error);
}

TEST_CASE("sigmas that no sampler can divide by are errors", "[grid]") {
    for (const sigma_range bad : {sigma_range{1e-320, 80}, {1e-300, 80}, {9e-31, 80}, {0.1, 1e300}, {0.1, 1.1e30}}) {
        CHECK_THROWS_AS(karras_sigmas(5, bad), value_error);
        CHECK_THROWS_AS(exponential_sigmas(5, bad), value_error);
        CHECK_THROWS_AS(polyexponential_sigmas(5, bad, 2), value_error);
        CHECK_THROWS_AS(beta_sigmas(5, bad), value_error);
    }
    for (const double sigma : karras_sigmas(50, {1e-30, 1e30})) {
        CHECK((sigma >= 0.9e-30 && sigma <= 1.1e30));
    }
    CHECK_THROWS_AS(karras_sigmas(5, {}, 1e-3), value_error);  // 80^1000
    CHECK_NOTHROW(karras_sigmas(5, {}, 0.01));
}

}  // namespace ddpm::test
