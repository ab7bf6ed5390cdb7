// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/euler_ancestral.hpp>

#include <ddpm/sampler/ddim.hpp>

#include "support/catch.hpp"
#include "support/sigma_golden.hpp"
#include "support/solver_check.hpp"

#include <cmath>

namespace ddpm::test {

TEST_CASE("euler_ancestral: diffusers' loops", "[sampler]") {
    const sigma_golden golden;
    golden.check(euler_ancestral{}.plan(golden.linspace()), 152.3192);
    golden.check(euler_ancestral{}.plan(golden.linspace()), 108.4439, {.kind = prediction::v});
    golden.check(euler_ancestral{}.plan(golden.linspace().from(8)), 56163.0508, {.with_noise = true});
}

TEST_CASE("euler_ancestral: the samples have the moments of the algorithm", "[sampler]") {
    for (const auto& [name, grid] : falling_grids()) {
        for (const double eta : {0.0, 0.6, 1.0, 3.0}) {
            INFO(name << ", eta " << eta);
            check_moments(euler_ancestral{.eta = eta, .s_noise = 0.9}, grid,
                          [&](const gaussian_data& data, double sigma, double next, linear_value y) {
                              const double up = std::min(
                                  next, eta * std::sqrt(next * next * (sigma * sigma - next * next) / (sigma * sigma)));
                              const double down = std::sqrt(next * next - up * up);
                              return y + (down - sigma) / sigma * (y - estimate_at(data, sigma, y)) +
                                     linear_value{.z = {0.9 * up}};
                          });
        }
    }
}

TEST_CASE("euler_ancestral: with eta 1 it is ddim with eta 1, with eta 0 ddim", "[sampler]") {
    check_same(euler_ancestral{.eta = 0}, ddim{}, 1e-300);
    for (const path_kind path : {path_kind::preserving, path_kind::exploding, path_kind::flow}) {
        const time_grid grid = grid_on(path, {12, 4, 1.4, 0.5, 0.11, 0});
        const sampling_plan a = euler_ancestral{}.plan(grid), b = ddim{.eta = 1}.plan(grid);
        for (std::size_t k = 0; k + 1 < b.stages().size(); ++k) {
            for (std::size_t i = 0; i < 3; ++i) {
                CHECK(std::abs(a.stages()[k].then[0].terms[i].factor - b.stages()[k].then[0].terms[i].factor) < 1e-12);
            }
        }
    }
    check_finds_point(euler_ancestral{.eta = 0});
}

TEST_CASE("euler_ancestral: it draws at every step, at the last in vain", "[sampler]") {
    const time_grid grid = grid_on(path_kind::flow, {INFINITY, 2, 1, 0});
    const sampling_plan plan = euler_ancestral{}.plan(grid);
    REQUIRE(plan.draws().size() == 3);
    for (isize k = 0; k < 3; ++k) {
        const assignment& step = plan.stages()[static_cast<std::size_t>(k)].then[0];
        CHECK(step.terms[2].of == quantity::noise);
        CHECK(step.terms[2].number == k);
        CHECK((step.terms[2].factor == 0) == (k == 2));
        CHECK(plan.draws()[static_cast<std::size_t>(k)].from == noise_ratio(grid[k].level));
        CHECK(plan.draws()[static_cast<std::size_t>(k)].to == noise_ratio(grid[k + 1].level));
    }
    // From noise alone all of the next level's noise is new.
    CHECK(plan.stages()[0].then[0].terms[1].factor == 0);
    CHECK(std::abs(plan.stages()[0].then[0].terms[2].factor - grid[1].level.sigma) < 1e-15);
}

TEST_CASE("euler_ancestral: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(euler_ancestral{.eta = -0.1}.plan(grid), value_error);
    CHECK_THROWS_AS(euler_ancestral{.eta = std::nan("")}.plan(grid), value_error);
    CHECK_THROWS_AS(euler_ancestral{.s_noise = -1}.plan(grid), value_error);
    CHECK_THROWS_AS(euler_ancestral{}.plan(grid_on(path_kind::exploding, {0, 1, 2})), value_error);
}

}  // namespace ddpm::test
