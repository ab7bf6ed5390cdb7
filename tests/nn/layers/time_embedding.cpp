// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/time_embedding.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the DDPM paper's embedding: sines first, frequencies down to 1/10000", "[nn]", float, double) {
    constexpr std::array expected{-0.54402111, 0.44767083, 0.02154268, 0.00100000,
                                  -0.83907153, 0.89419843, 0.99976793, 0.99999950};
    const std::array<double, 2> t{0, 10};
    batch<TestType> out(8, 2);
    nn::time_embedding{.dim = 8}.forward<TestType>(t, out);
    for (ddpm::isize i = 0; i < 8; ++i) {
        CHECK(static_cast<double>(out(i, 0)) == (i < 4 ? 0 : 1));
        CHECK(std::abs(static_cast<double>(out(i, 1)) - expected[static_cast<std::size_t>(i)]) <= 6e-8);
    }
}

TEMPLATE_TEST_CASE("OpenAI's embedding: cosines first, no frequency shift", "[nn]", float, double) {
    constexpr std::array expected{-0.83907153, 0.54030231, 0.99500417, 0.99995000,
                                  -0.54402111, 0.84147098, 0.09983342, 0.00999983};
    const std::array<double, 1> t{10};
    batch<TestType> out(8, 1);
    nn::time_embedding{.dim = 8, .order = nn::embedding_order::cos_sin, .freq_shift = 0}.forward<TestType>(t, out);
    for (ddpm::isize i = 0; i < 8; ++i) {
        CHECK(std::abs(static_cast<double>(out(i, 0)) - expected[static_cast<std::size_t>(i)]) <= 6e-8);
    }
}

TEMPLATE_TEST_CASE("embedded times are sines and cosines to the documented error", "[nn]", float, double) {
    std::vector<double> t;
    for (int n = 0; n <= 40; ++n) {
        t.push_back(n * 24.975);
    }
    constexpr ddpm::isize dim = 130, half = dim / 2;
    for (const double shift : {0.0, 1.0}) {
        batch<TestType> out(dim, static_cast<ddpm::isize>(t.size()));
        nn::time_embedding{.dim = dim, .freq_shift = shift}.forward<TestType>(t, out);
        long double largest = 0;
        for (ddpm::isize n = 0; n < out.cols(); ++n) {
            for (ddpm::isize i = 0; i < half; ++i) {
                const long double share = static_cast<long double>(i) / (static_cast<long double>(half) - shift);
                const long double angle = t[static_cast<std::size_t>(n)] * std::pow(10000.0L, -share);
                largest = std::max(largest, std::abs(out(i, n) - std::sin(angle)));
                largest = std::max(largest, std::abs(out(half + i, n) - std::cos(angle)));
            }
        }
        CHECK(largest <= (std::is_same_v<TestType, float> ? 6e-8L : 1e-12L));
    }
}

TEST_CASE("an odd embedding ends with a zero, and the shortest ones exist", "[nn]") {
    const std::array<double, 1> t{0.5};
    batch<double> out = batch<double>::Constant(5, 1, 9.0);
    nn::time_embedding{.dim = 5}.forward<double>(t, out);
    CHECK(out(0, 0) == std::sin(0.5));
    CHECK(out(2, 0) == std::cos(0.5));
    CHECK(out(4, 0) == 0);
    for (const ddpm::isize dim : {1, 2, 3}) {
        batch<double> small(dim, 1);
        nn::time_embedding{.dim = dim}.forward<double>(t, small);
        CHECK(small.isFinite().all());
    }
}

TEST_CASE("each time has its own column", "[nn]") {
    std::vector<double> t(100);
    for (std::size_t n = 0; n < t.size(); ++n) {
        t[n] = static_cast<double>(n * n % 97);
    }
    const nn::time_embedding embedding{.dim = 12};
    batch<float> all(12, 100), one(12, 1);
    embedding.forward<float>(t, all);
    for (const std::size_t n : {std::size_t{0}, std::size_t{31}, std::size_t{32}, std::size_t{99}}) {
        embedding.forward<float>(std::span<const double>(t).subspan(n, 1), one);
        CHECK((one == all.col(static_cast<ddpm::isize>(n))).all());
    }
}

TEST_CASE("time_embedding refuses what it cannot compute", "[nn]") {
    const std::array<double, 2> t{0, 1};
    batch<float> out(8, 2), wrong(8, 3);
    CHECK_THROWS_AS(nn::time_embedding{.dim = 8}.forward<float>(t, wrong), shape_error);
    CHECK_THROWS_AS(nn::time_embedding{.dim = 6}.forward<float>(t, out), shape_error);
    CHECK_THROWS_AS(nn::time_embedding{.dim = 0}.require_valid(), value_error);
    CHECK_THROWS_AS((nn::time_embedding{.dim = 8, .max_period = 0}.require_valid()), value_error);
    CHECK_THROWS_AS((nn::time_embedding{.dim = 8, .max_period = NAN}.require_valid()), value_error);
    CHECK_THROWS_AS((nn::time_embedding{.dim = 8, .freq_shift = 4}.require_valid()), value_error);
}

}  // namespace ddpm::test
