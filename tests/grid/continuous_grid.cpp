// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/continuous_grid.hpp>

#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

using list = std::vector<double>;

TEST_CASE("a grid has the levels of its times", "[grid]") {
    const time_grid grid = make_grid(variance_preserving{.time_scale = 999}, list{1, 0.5, 1e-3});
    CHECK(grid.steps() == 2);
    const double times[] = {1, 0.5, 1e-3};
    for (isize k = 0; k < 3; ++k) {
        const double u = times[k];
        CHECK(grid[k].t == 999 * u);
        CHECK(grid[k].level.signal == variance_preserving{}.level(u).signal);
        CHECK(grid[k].level.sigma == variance_preserving{}.level(u).sigma);
    }
    const time_grid inverted = make_grid(log_snr_schedule{linear_log_snr{}}, list{0, 1});
    CHECK(inverted[0].t == 13.3);
    CHECK(inverted[1].t == -5);
}

TEST_CASE("a grid over noise ratios ends at the data", "[grid]") {
    const list sigmas = karras_sigmas(5);
    const time_grid edm = sigma_grid(variance_exploding{}, sigmas);
    const time_grid vp = sigma_grid(variance_preserving{}, sigmas);
    CHECK(edm.steps() == 5);
    for (isize k = 0; k < 5; ++k) {
        const double sigma = sigmas[static_cast<std::size_t>(k)];
        CHECK(edm[k].t == sigma);
        CHECK(edm[k].level.signal == 1);
        CHECK(edm[k].level.sigma == sigma);
        CHECK(std::abs(noise_ratio(vp[k].level) - sigma) <= 1e-12 * sigma);
        CHECK(vp[k].t == variance_preserving{}.time_of(sigma));
    }
    for (const time_grid& grid : {edm, vp}) {
        CHECK(grid[5].t == 0);
        CHECK(grid[5].level.signal == 1);
        CHECK(grid[5].level.sigma == 0);
    }
    CHECK(sigma_grid(variance_exploding{}, karras_sigmas(1)).steps() == 1);
}

TEST_CASE("Karras noise ratios of a flow have the published sigmas", "[grid]") {
    // UniPC of diffusers with flow and Karras σ, in float.
    const time_grid grid = sigma_grid(rectified_flow{}, karras_sigmas(5, {.lowest = 0.01, .highest = 200}));
    const double expected[] = {0.99502486, 0.97874546, 0.87748843, 0.36049718, 0.00990099, 0};
    for (isize k = 0; k <= 5; ++k) {
        CHECK(std::abs(grid[k].level.sigma - expected[k]) <= 1e-7);
        CHECK(std::abs(grid[k].level.signal - (1 - expected[k])) <= 1e-7);
        CHECK(grid[k].t == grid[k].level.sigma);
    }
}

TEST_CASE("grids that cannot be are errors", "[grid]") {
    CHECK_THROWS_AS(make_grid(variance_exploding{}, list{}), value_error);
    CHECK_THROWS_AS(make_grid(variance_exploding{}, list{1}), value_error);
    CHECK_THROWS_AS(make_grid(variance_exploding{}, list{1, 2, 0}), value_error);
    CHECK_THROWS_AS(make_grid(rectified_flow{}, list{1.5, 0}), value_error);
    CHECK_THROWS_AS(sigma_grid(variance_exploding{}, list{}), value_error);
    CHECK_THROWS_AS(sigma_grid(variance_exploding{}, list{1, 2}), value_error);
    CHECK_THROWS_AS(sigma_grid(variance_exploding{}, list{-1}), value_error);
}

}  // namespace ddpm::test
