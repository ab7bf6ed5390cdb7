// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/kdpm2.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/sigma_golden.hpp"
#include "support/solver_check.hpp"

#include <cmath>

namespace ddpm::test {

TEST_CASE("kdpm2: diffusers' loops", "[sampler]") {
    const sigma_golden golden;
    const auto time_of = [&](double ratio) { return golden.table.time_of(ratio); };
    const kdpm2 plain{.time_of = time_of}, noisy{.eta = 1, .time_of = time_of};
    golden.check(plain.plan(golden.linspace()), 20.4125);
    golden.check(plain.plan(golden.linspace().from(8)), 70408.4062, {.with_noise = true});
    golden.check(noisy.plan(golden.linspace()), 13979.9433);
    golden.check(noisy.plan(golden.linspace()), 331.8133, {.kind = prediction::v});
    golden.check(noisy.plan(golden.linspace().from(8)), 93087.3437, {.with_noise = true});
    // The published 4.6934e-07 is below its own tolerance.
    const golden_loop_options v{.kind = prediction::v, .scale = golden.table.range().highest, .overwrite_scaled = true};
    CHECK(std::abs(golden_loop(plain.plan(golden.linspace()), v).sum / 6.1026e-05 - 1) < 1e-4);
}

TEST_CASE("kdpm2: it has order 2", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        CHECK(convergence_order(kdpm2{}, kind) > 1.85);
    }
}

TEST_CASE("kdpm2: data that is one point is found", "[sampler]") { check_finds_point(kdpm2{}); }

TEST_CASE("kdpm2: with eta the samples have the moments of the algorithm", "[sampler]") {
    for (const auto& [name, grid] : falling_grids()) {
        for (const double eta : {0.6, 1.0, 3.0}) {
            INFO(name << ", eta " << eta);
            check_moments(kdpm2{.eta = eta, .s_noise = 1.2}, grid,
                          [&](const gaussian_data& data, double sigma, double next, linear_value y) {
                              const linear_value slope = 1 / sigma * (y - estimate_at(data, sigma, y));
                              const double up = std::min(
                                  next, eta * std::sqrt(next * next * (sigma * sigma - next * next) / (sigma * sigma)));
                              const double down = std::sqrt(next * next - up * up);
                              if (down == 0) {
                                  return y + (down - sigma) * slope + linear_value{.z = {next == 0 ? 0 : 1.2 * up}};
                              }
                              const double middle = std::sqrt(sigma * down);
                              const linear_value half = y + (middle - sigma) * slope;
                              return y + (down - sigma) / middle * (half - estimate_at(data, middle, half)) +
                                     linear_value{.z = {1.2 * up}};
                          });
        }
    }
}

TEST_CASE("kdpm2: the level in between lies on the path, with its time", "[sampler]") {
    for (const path_kind path : {path_kind::preserving, path_kind::exploding, path_kind::flow}) {
        const time_grid grid = grid_on(path, {8, 2, 0});
        const sampling_plan plan = kdpm2{}.plan(grid);
        REQUIRE(plan.stages().size() == 3);
        const noise_level<double> middle = level_on(path, 4);
        CHECK(std::abs(plan.stages()[1].level.signal - middle.signal) < 1e-14);
        CHECK(std::abs(plan.stages()[1].level.sigma - middle.sigma) < 1e-14);
        CHECK(std::abs(plan.stages()[1].t - middle.sigma) < 0.01);
        CHECK(plan.stages()[1].step == 0);
        CHECK(kdpm2{.time_of = [](double ratio) { return 10 * ratio; }}.plan(grid).stages()[1].t == 40);
        CHECK(plan.draws().empty());
        CHECK(kdpm2{.eta = 1}.plan(grid).draws().size() == 1);
    }
}

TEST_CASE("kdpm2: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0}), rising = grid_on(path_kind::exploding, {0, 1, 2});
    CHECK_THROWS_AS(kdpm2{.eta = -0.1}.plan(grid), value_error);
    CHECK_THROWS_AS(kdpm2{.s_noise = -1}.plan(grid), value_error);
    CHECK_THROWS_AS(kdpm2{.eta = 1}.plan(rising), value_error);
    CHECK_NOTHROW(kdpm2{}.plan(rising));
}

}  // namespace ddpm::test
