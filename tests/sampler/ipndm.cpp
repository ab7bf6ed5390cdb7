// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/ipndm.hpp>

#include <ddpm/sampler/ddim.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/golden_loop.hpp"
#include "support/solver_check.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace ddpm::test {

namespace {

/// diffusers' loop, which runs twice over the grid and keeps the slopes of the first run for the second. Where α is 0
/// diffusers divides by 1e-8 instead, so that the second run begins with x̂_0 = 1e8 (x − σ ε̂) of an averaged ε̂.
sampling_plan diffusers_plan(const time_grid& grid) {
    sampling_plan plan(grid);
    detail::adams_history history(4);
    for (isize i = 0; i < 2 * grid.steps(); ++i) {
        const isize k = i % grid.steps(), e = plan.evaluate(i, grid[k]);
        history.add(e, static_cast<double>(i));
        const auto weights = history.weights(static_cast<double>(i + 1));
        const noise_level<double>& to = grid[k + 1].level;
        if (k > 0) {
            plan.set(quantity::x, detail::ratio_step(grid[k].level, to, e, weights));
            continue;
        }
        std::vector<term> sum{term::x(to.signal / 1e-8)};
        for (const auto& [evaluation, weight] : weights) {
            sum.push_back(term::eps(evaluation, weight * (to.sigma - to.signal / 1e-8)));
        }
        plan.set(quantity::x, sum);
    }
    return plan;
}

}  // namespace

TEST_CASE("ipndm: diffusers' loop", "[sampler]") {
    const double mean = golden_loop(diffusers_plan(crash_grid(10)), {.kind = prediction::v}).mean;
    INFO(mean);
    CHECK(std::abs(mean - 2540529) <= std::max(10.0, 1e-5 * 2540529));
}

TEST_CASE("ipndm: it has its order over equal steps of sigma / alpha, and order 2 over others", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        for (const isize order : {1, 2, 3, 4}) {
            INFO("order " << order);
            CHECK(convergence_order(over_grid{ipndm{order}, uniform_ratio_grid}, kind, order) >
                  static_cast<double>(order) - 0.15);
        }
        CHECK(convergence_order(ipndm{}, kind, 4) > 1.85);
    }
}

TEST_CASE("ipndm: order 1 is ddim; data that is one point is found", "[sampler]") {
    check_same(ipndm{1}, ddim{}, 1e-300);
    for (const isize order : {1, 2, 3, 4}) {
        check_finds_point(ipndm{order});
    }
}

TEST_CASE("ipndm: the slopes are averaged with the published weights", "[sampler]") {
    const sampling_plan plan = ipndm{}.plan(grid_on(path_kind::exploding, {10, 7, 5, 2, 1.5, 0}));
    const double expected[4][4] = {
        {1}, {1.5, -0.5}, {23.0 / 12, -16.0 / 12, 5.0 / 12}, {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}};
    for (isize k = 0; k < 4; ++k) {
        const double from = plan.grid()[k].level.sigma, width = plan.grid()[k + 1].level.sigma - from;
        for (isize back = 0; back <= k; ++back) {
            double factor = 0;
            for (const term& t : plan.stages()[static_cast<std::size_t>(k)].then[0].terms) {
                factor += t.of == quantity::eps && t.number == k - back ? t.factor : 0;
            }
            CHECK(std::abs(factor - ((back == 0 ? from : 0) + width * expected[k][back])) < 1e-13);
        }
    }
}

TEST_CASE("the grid of ipndm's models goes from noise alone to the data", "[sampler]") {
    const time_grid grid = crash_grid(4);
    REQUIRE(grid.steps() == 4);
    CHECK(grid[0].level.signal == 0);
    CHECK(grid[0].level.sigma == 1);
    CHECK(grid[0].t == 1);
    CHECK(grid[4].level.signal == 1);
    CHECK(grid[4].level.sigma == 0);
    CHECK(grid[4].t == 0);
    CHECK(std::abs(grid[2].level.sigma - 0.5) < 1e-15);
    CHECK(std::abs(grid[2].t - 1.0 / 3) < 1e-15);
    CHECK(crash_grid(1).steps() == 1);
    for (const isize steps : {1, 7, 50}) {
        const time_grid fine = crash_grid(steps);
        for (isize k = 1; k <= steps; ++k) {
            const long double share = static_cast<long double>(steps - k) / static_cast<long double>(steps);
            const long double sine = std::sin(std::numbers::pi_v<long double> / 2 * share), sigma = sine * sine;
            const long double signal = std::sqrt((1 - sigma) * (1 + sigma));
            CHECK(std::abs(fine[k].level.sigma - sigma) < 5e-15L);
            CHECK(std::abs(fine[k].level.signal - signal) < 5e-15L);
            CHECK(std::abs(fine[k].t - 2 / std::numbers::pi_v<long double> * std::atan2(sigma, signal)) < 5e-15L);
        }
    }
    const gaussian_data point{.mean = -0.7, .deviation = 0};
    batch<double> x(1, 1);
    x << 2;
    for (const isize steps : {1, 2, 10}) {
        CHECK(std::abs(run_exactly(ipndm{}.plan(crash_grid(steps)), point, prediction::v, x)(0, 0) + 0.7) < 1e-13);
    }
}

TEST_CASE("ipndm: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(ipndm{0}.plan(grid), value_error);
    CHECK_THROWS_AS(ipndm{5}.plan(grid), value_error);
    CHECK_THROWS_AS(crash_grid(0), value_error);
}

}  // namespace ddpm::test
