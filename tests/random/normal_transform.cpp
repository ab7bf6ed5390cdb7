// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/random/normal_transform.hpp>
#include <ddpm/random/philox.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace ddpm::test {

namespace {

struct exact_pair {
    long double radius, first, second;
};

/// The definition, in long double.
exact_pair exact(std::uint32_t radius_word, std::uint32_t angle_word) {
    constexpr long double two_to_32 = 4294967296.0L;
    const auto s = static_cast<std::int32_t>(radius_word | 1u);
    const long double v = std::abs(static_cast<long double>(s)) / two_to_32;
    const long double radius = std::sqrt(-2.0L * (s < 0 ? std::log(v) : std::log1p(-v)));
    const long double angle =
        2 * std::numbers::pi_v<long double> * (static_cast<long double>(angle_word) + 0.5L) / two_to_32;
    return {radius, radius * std::cos(angle), radius * std::sin(angle)};
}

/// The error of both normals, in units of r.
long double error(std::uint32_t radius_word, std::uint32_t angle_word) {
    const normal_pair got = box_muller(radius_word, angle_word);
    const exact_pair want = exact(radius_word, angle_word);
    return std::max(std::abs(got.first - want.first), std::abs(got.second - want.second)) / want.radius;
}

/// Calls body with 2 · count pairs of random words.
template <class Body>
void for_random_words(std::uint32_t count, Body body) {
    for (std::uint32_t i = 0; i < count; ++i) {
        const auto w = philox4x32({i, 0, 0, 0}, {20, 26});
        body(w[0], w[1]);
        body(w[2], w[3]);
    }
}

}  // namespace

TEST_CASE("normals are within 2.5e-7 of the radius of the exact transform", "[random]") {
    long double worst = 0;
    for_random_words(200000, [&](std::uint32_t a, std::uint32_t b) { worst = std::max(worst, error(a, b)); });
    // Where the formulas change: both ends of u, its middle, the splits of the mantissa, the borders of the quadrants.
    for (std::uint32_t i = 0; i < 20000; ++i) {
        const auto w = philox4x32({i, 1, 0, 0}, {20, 26});
        for (const std::uint32_t radius_word :
             {i, ~i, 0x7fffffffu - i, 0x80000000u + i, 0x4afac000u + 2 * i, 0xa57d4000u + 2 * i, 0xd2be8000u + 2 * i}) {
            worst = std::max(worst, error(radius_word, w[0]));
        }
        for (std::uint32_t eighth = 0; eighth < 8; ++eighth) {
            worst = std::max({worst, error(w[1], eighth * 0x20000000u + i), error(w[2], eighth * 0x20000000u - i)});
        }
    }
    CHECK(worst <= 2.5e-7L);
    CHECK(worst >= 1e-7L);  // it is a float transform: less would mean that the test measures nothing
}

TEST_CASE("normals have no bias by rounding", "[random]") {
    long double first = 0, second = 0, norm = 0;
    for_random_words(200000, [&](std::uint32_t a, std::uint32_t b) {
        const normal_pair got = box_muller(a, b);
        const exact_pair want = exact(a, b);
        first += got.first - want.first;
        second += got.second - want.second;
        norm += (static_cast<long double>(got.first) * got.first + static_cast<long double>(got.second) * got.second) /
                    (want.radius * want.radius) -
                1;
    });
    CHECK(std::abs(first / 400000) <= 1e-9L);
    CHECK(std::abs(second / 400000) <= 1e-9L);
    CHECK(std::abs(norm / 400000) <= 1e-8L);
}

TEST_CASE("normals have exactly symmetric signs", "[random]") {
    bool symmetric = true;
    for_random_words(100000, [&](std::uint32_t a, std::uint32_t b) {
        const normal_pair p = box_muller(a, b);
        const normal_pair mirrored = box_muller(a, ~b), opposite = box_muller(a, b ^ 0x80000000u),
                          quarter = box_muller(a, b + 0x40000000u);
        symmetric = symmetric && mirrored.first == p.first && mirrored.second == -p.second &&
                    opposite.first == -p.first && opposite.second == -p.second && quarter.first == -p.second &&
                    quarter.second == p.first;
    });
    CHECK(symmetric);
}

TEST_CASE("the smallest and the largest radius are as documented", "[random]") {
    const float largest = box_muller(0xffffffffu, 0).first;
    CHECK(std::abs(largest - std::sqrt(64 * std::numbers::ln2)) <= 1e-6);
    CHECK(box_muller(0xfffffffeu, 0).first == largest);
    CHECK(std::abs(box_muller(0, 0).first / std::sqrt(0x1p-31) - 1) <= 2.5e-7);

    // r falls with u, hence, for negative words, it falls as they do; steps of one rounding may stay equal or turn
    // back.
    std::uint32_t rises = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        const float radius = box_muller(0xffffffffu - i * 2147483u, 0).first;
        rises += box_muller(0xffffffffu - (i + 1) * 2147483u, 0).first > radius ? 1u : 0u;
        CHECK(radius <= largest);
        CHECK(radius > 0);
    }
    CHECK(rises == 0);
}

TEST_CASE("normals of given words keep their bits", "[random]") {
    const normal_pair p = box_muller(0x6627e8d5u, 0xe169c58du), q = box_muller(0xbc57ac4cu, 0x9b00dbd8u);
    CHECK(p.first == 0x1.79d16ap-1f);
    CHECK(p.second == -0x1.607a5ep-1f);
    CHECK(q.first == -0x1.493888p+0f);
    CHECK(q.second == -0x1.00f858p+0f);
}

}  // namespace ddpm::test
