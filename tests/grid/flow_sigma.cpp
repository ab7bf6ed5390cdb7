// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/flow_sigma.hpp>

#include <ddpm/schedule/rectified_flow.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

using list = std::vector<double>;

void check_near(const list& got, const list& expected) {
    REQUIRE(got.size() == expected.size());
    for (std::size_t k = 0; k < got.size(); ++k) {
        CAPTURE(k, got[k], expected[k]);
        CHECK(std::abs(got[k] - expected[k]) <= 3e-7 * expected[k]);
    }
}

}  // namespace

TEST_CASE("flow sigmas are those of diffusers", "[grid]") {
    // FlowMatchEuler with shift 3: its last σ is shifted twice.
    check_near(flow_sigmas(5, {.last = shifted_flow_sigma(1e-3, 3), .shift = 3}),
               {1, 0.900359094, 0.751121104, 0.50298506, 0.00892857183});
    // The same with dynamic shifting, exponential and linear, the latter stretched.
    check_near(flow_sigmas(5, {.last = 0.2, .shift = std::exp(0.75)}),
               {1, 0.894381106, 0.760507762, 0.585291684, 0.346084684});
    check_near(flow_sigmas(5, {.last = 0.2, .shift = 2.5, .terminal = 0.1}),
               {1, 0.867045522, 0.692105293, 0.451562464, 0.100000024});
    // DPM-Solver with flow σ and shift 2.
    check_near(flow_sigmas(4, {.first = 0.999, .last = 0.24975, .shift = 2}),
               {0.999499738, 0.856652856, 0.666222095, 0.399679929});
}

TEST_CASE("shifts act on the noise ratio", "[grid]") {
    for (const double sigma : {0.1, 0.5, 0.9}) {
        CHECK(shifted_flow_sigma(sigma, 1) == sigma);
        const double shifted = shifted_flow_sigma(sigma, 3);
        CHECK(std::abs(shifted / (1 - shifted) - 3 * sigma / (1 - sigma)) <= 1e-12);
        CHECK(std::abs(shifted_flow_sigma(shifted, 1.0 / 3) - sigma) <= 1e-15);
        // The dynamic form with exponent μ.
        const double shift = std::exp(0.75);
        CHECK(std::abs(shifted_flow_sigma(sigma, shift) - shift / (shift + (1 / sigma - 1))) <= 1e-15);
    }
    CHECK(shifted_flow_sigma(0, 3) == 0);
    CHECK(shifted_flow_sigma(1, 3) == 1);
}

TEST_CASE("rounding leads no flow sigma out of [0, 1]", "[grid]") {
    for (int i = 1; i < 400; ++i) {
        for (const double shift : {i / 100.0, std::exp(i / 100.0 - 2), 1.0 / i, 1e-9 * i, 1e9 * i}) {
            CAPTURE(shift);
            CHECK(shifted_flow_sigma(1, shift) == 1);
            CHECK(shifted_flow_sigma(1 - 0x1p-53, shift) <= 1);
            CHECK(shifted_flow_sigma(i / 400.0, 1) == i / 400.0);
            for (const double terminal : {0.0, 0.1, 0.3}) {
                const list sigmas = flow_sigmas(4, {.shift = shift, .terminal = terminal});
                CHECK(sigmas.front() == 1);
                CHECK(sigmas.back() >= 0);
                CHECK(flow_grid(sigmas).steps() == 4);
            }
        }
    }
}

TEST_CASE("mu is linear in the length", "[grid]") {
    const flow_shift_rule rule{};
    CHECK(rule(256) == 0.5);
    CHECK(std::abs(rule(1024) - 0.63) <= 1e-15);
    CHECK(std::abs(rule(4096) - 1.15) <= 1e-15);
    CHECK(std::abs(rule(6000) - 1.4722916666666666) <= 1e-14);
    CHECK((flow_shift_rule{.base_length = 1, .max_length = 3, .base_mu = 0, .max_mu = 4}(2)) == 2);
    CHECK_THROWS_AS((flow_shift_rule{.base_length = 5, .max_length = 5}(5)), value_error);
}

TEST_CASE("the ends of flow sigmas", "[grid]") {
    const list stretched = flow_sigmas(7, {.shift = 2, .terminal = 0.25});
    CHECK(stretched.front() == 1);
    CHECK(std::abs(stretched.back() - 0.25) <= 1e-15);
    const list plain = flow_sigmas(7);
    CHECK(plain.front() == 1);
    CHECK(std::abs(plain.back() - 1e-3) <= 1e-15);
    for (std::size_t k = 1; k < 7; ++k) {
        CHECK(stretched[k] < stretched[k - 1]);
        CHECK(plain[k] < plain[k - 1]);
    }
    // One step: nothing to stretch towards.
    CHECK(flow_sigmas(1) == list{1});
    CHECK(flow_sigmas(1, {.shift = 3, .terminal = 0.1}) == list{1});
    CHECK(flow_sigmas(2, {.last = 1, .terminal = 0.1}) == list{1, 1});
    CHECK(std::abs(flow_sigmas(1, {.first = 0.5, .terminal = 0.1})[0] - 0.1) <= 1e-15);
}

TEST_CASE("a flow grid tells the network the times of the flow that it was trained with", "[grid]") {
    const list sigmas = flow_sigmas(4, {.shift = 3});
    const time_grid grid = flow_grid(sigmas, rectified_flow{.time_scale = 1000});
    CHECK(grid.steps() == 4);
    for (isize k = 0; k <= 4; ++k) {
        const double sigma = k < 4 ? sigmas[static_cast<std::size_t>(k)] : 0;
        CHECK(grid[k].t == 1000 * sigma);
        CHECK(grid[k].level.signal == 1 - sigma);
        CHECK(grid[k].level.sigma == sigma);
    }
    for (isize k = 0; k < 4; ++k) {
        CHECK(flow_grid(sigmas)[k].t == model_time_at(rectified_flow{}, sigmas[static_cast<std::size_t>(k)]));
    }
    CHECK(flow_grid(flow_sigmas(1)).steps() == 1);
    CHECK_THROWS_AS(flow_grid(list{}), value_error);
    CHECK_THROWS_AS(flow_grid(list{0.5, 0.6}), value_error);
    CHECK_THROWS_AS(flow_grid(list{1.1}), value_error);
}

TEST_CASE("flow sigmas that cannot be are errors", "[grid]") {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK_THROWS_AS(flow_sigmas(0), value_error);
    CHECK_THROWS_AS(flow_sigmas(3, {.last = 0}), value_error);
    CHECK_THROWS_AS(flow_sigmas(3, {.first = 1.1}), value_error);
    CHECK_THROWS_AS(flow_sigmas(3, {.first = 0.1, .last = 0.2}), value_error);
    CHECK_THROWS_AS(flow_sigmas(3, {.first = nan}), value_error);
    CHECK_THROWS_AS(flow_sigmas(3, {.shift = 0}), value_error);
    CHECK_THROWS_AS(flow_sigmas(3, {.terminal = 1.0}), value_error);
    CHECK_THROWS_AS(flow_sigmas(3, {.terminal = -0.1}), value_error);
    CHECK_THROWS_AS(shifted_flow_sigma(1.1, 1), value_error);
    CHECK_THROWS_AS(shifted_flow_sigma(-0.1, 1), value_error);
    CHECK_THROWS_AS(shifted_flow_sigma(0.5, -1), value_error);
    CHECK_THROWS_AS(shifted_flow_sigma(0.5, nan), value_error);
}

}  // namespace ddpm::test
