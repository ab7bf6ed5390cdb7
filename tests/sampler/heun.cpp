// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/heun.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/sigma_golden.hpp"
#include "support/solver_check.hpp"

#include <cmath>

namespace ddpm::test {

TEST_CASE("heun: diffusers' loops", "[sampler]") {
    const sigma_golden golden;
    golden.check(heun{}.plan(golden.linspace()), 0.1233, {});
    golden.check(heun{}.plan(golden.linspace().from(8)), 75074.8906, {.with_noise = true});
    // These lie below the published tolerance; the values are an independent computation's.
    golden_loop_options options{.scale = golden.table.range().highest, .overwrite_scaled = true};
    CHECK(std::abs(golden_loop(heun{}.plan(golden.linspace()), options).sum / 0.1233307 - 1) < 1e-5);
    CHECK(std::abs(golden_loop(heun{}.plan(golden.karras()), options).sum / 0.000152598 - 1) < 1e-4);
    options.kind = prediction::v;
    CHECK(std::abs(golden_loop(heun{}.plan(golden.linspace()), options).sum / 4.9239e-07 - 1) < 1e-4);
}

TEST_CASE("heun: it has order 2 in both coordinates", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        CHECK(convergence_order(heun{}, kind) > 1.85);
        CHECK(convergence_order(heun{.coordinates = step_coordinates::path}, kind) > 1.85);
    }
}

TEST_CASE("heun: data that is one point is found", "[sampler]") {
    check_finds_point(heun{});
    check_finds_point(heun{.coordinates = step_coordinates::path});
}

TEST_CASE("heun: where no noise is left the signal's coordinates do not matter", "[sampler]") {
    const gaussian_data data{};
    batch<double> x(2, 1);
    x << 4, -7;
    const std::vector<double> sigmas{9, 4, 1.3, 0.2, 0};
    const auto end = [&](const heun& sampler, path_kind path) {
        const time_grid grid = grid_on(path, sigmas);
        return run_exactly(sampler.plan(grid), data, prediction::epsilon, grid[0].level.signal * x);
    };
    const batch<double> exploding = end({}, path_kind::exploding);
    CHECK((end({}, path_kind::preserving) - exploding).abs().maxCoeff() < 1e-13);
    CHECK((end({}, path_kind::flow) - exploding).abs().maxCoeff() < 1e-13);
    CHECK((end({.coordinates = step_coordinates::path}, path_kind::exploding) - exploding).abs().maxCoeff() < 1e-13);
    CHECK((end({.coordinates = step_coordinates::path}, path_kind::flow) - exploding).abs().maxCoeff() > 1e-3);
}

TEST_CASE("heun: on a rectified flow, by its formula, from noise alone", "[sampler]") {
    const gaussian_data data{};
    const time_grid grid = grid_on(path_kind::flow, {INFINITY, 3, 1, 0.2, 0});
    const auto velocity = [&](const noise_level<double>& level, double x) {
        const double x0 = level.signal == 0 ? data.mean : data.x0(level, x);
        return (x - level.signal * x0) / level.sigma - x0;
    };
    double expected = 0.9;
    for (isize k = 0; k < grid.steps(); ++k) {
        const double width = grid[k + 1].level.sigma - grid[k].level.sigma, first = velocity(grid[k].level, expected);
        const double second = k + 1 == grid.steps() ? first : velocity(grid[k + 1].level, expected + width * first);
        expected += width * (first + second) / 2;
    }
    batch<double> x(1, 1);
    x << 0.9;
    const batch<double> found =
        run_exactly(heun{.coordinates = step_coordinates::path}.plan(grid), data, prediction::flow, x);
    CHECK(std::abs(found(0, 0) - expected) < 1e-14);
    // In ratio coordinates the first step is Euler's.
    const sampling_plan plan = heun{}.plan(grid);
    CHECK(plan.stages().size() == 6);
    CHECK(plan.stages()[1].step == 1);
}

TEST_CASE("heun: over rising noise it goes along the flow in the other direction", "[sampler]") {
    const gaussian_data data{};
    for (const path_kind path : {path_kind::preserving, path_kind::exploding, path_kind::flow}) {
        std::vector<double> ratios;
        for (int k = 200; k >= 0; --k) {
            ratios.push_back(5 * std::pow(0.01 / 5, k / 200.0));
        }
        const time_grid grid = grid_on(path, ratios);
        batch<double> x(1, 1);
        x << data.flow(grid[0].level, 1.2);
        for (const step_coordinates coordinates : {step_coordinates::ratio, step_coordinates::path}) {
            const batch<double> end =
                run_exactly(heun{.coordinates = coordinates}.plan(grid), data, prediction::epsilon, x);
            CHECK(std::abs(end(0, 0) - data.flow(grid[200].level, 1.2)) < 2e-3);
        }
    }
}

TEST_CASE("heun: with churn the samples have the moments of the algorithm", "[sampler]") {
    const churn_options churn{.s_churn = 3, .s_tmin = 0.2, .s_tmax = 8, .s_noise = 1.1};
    for (const auto& [name, grid] : falling_grids()) {
        INFO(name);
        const double most = 3 / static_cast<double>(grid.steps());
        const auto raised = [&](double sigma) {
            return sigma >= 0.2 && sigma <= 8 ? sigma * (1 + std::min(most, std::sqrt(2.0) - 1)) : sigma;
        };
        const auto step = [&](const gaussian_data& data, double sigma, double next, linear_value y) {
            const double hat = raised(sigma);
            const linear_value slope = 1 / hat * (y - estimate_at(data, hat, y));
            const linear_value euler = y + (next - hat) * slope;
            if (next == 0) {
                return euler;
            }
            return y + 0.5 * (next - hat) * (slope + 1 / next * (euler - estimate_at(data, next, euler)));
        };
        const auto begin = [&](double sigma, linear_value y) {
            return y + linear_value{.z = {1.1 * std::sqrt(raised(sigma) * raised(sigma) - sigma * sigma)}};
        };
        check_moments(heun{.churn = churn}, grid, step, begin);
    }
}

TEST_CASE("heun: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(heun{.churn = {.s_noise = -1}}.plan(grid), value_error);
}

}  // namespace ddpm::test
