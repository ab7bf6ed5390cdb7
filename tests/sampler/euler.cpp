// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/euler.hpp>

#include <ddpm/sampler/ddim.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/sigma_golden.hpp"
#include "support/solver_check.hpp"

#include <cmath>

namespace ddpm::test {

TEST_CASE("euler: diffusers' loops", "[sampler]") {
    const sigma_golden golden;
    golden.check(euler{}.plan(golden.linspace()), 10.0807);
    golden.check(euler{}.plan(golden.karras()), 124.52299499511719);
    golden.check(euler{}.plan(golden.linspace().from(8)), 57062.9297, {.with_noise = true});
    // The published 0.0002 is below its own tolerance.
    golden_loop_options v{.kind = prediction::v, .scale = golden.table.range().highest, .overwrite_scaled = true};
    CHECK(std::abs(golden_loop(euler{}.plan(golden.linspace()), v).sum / 2.418e-10 - 1) < 1e-3);
}

TEST_CASE("euler: it has order 1", "[sampler]") {
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        CHECK(convergence_order(euler{}, kind) > 0.85);
    }
}

TEST_CASE("euler: without churn it is ddim, to the bit", "[sampler]") {
    check_same(euler{}, ddim{}, 1e-300);
    check_finds_point(euler{});
}

TEST_CASE("euler: on a rectified flow a step is x + (sigma' - sigma)(eps - x0)", "[sampler]") {
    const gaussian_data data{};
    const time_grid grid = grid_on(path_kind::flow, {INFINITY, 3, 1, 0.2, 0});
    batch<double> x(1, 1);
    x << 0.9;
    double expected = 0.9;
    for (isize k = 0; k < grid.steps(); ++k) {
        const noise_level<double>& level = grid[k].level;
        const double x0 = level.signal == 0 ? data.mean : data.x0(level, expected);
        const double eps = (expected - level.signal * x0) / level.sigma;
        expected += (grid[k + 1].level.sigma - level.sigma) * (eps - x0);
    }
    const batch<double> found = run_exactly(euler{}.plan(grid), data, prediction::flow, x);
    CHECK(std::abs(found(0, 0) - expected) < 1e-14);
}

TEST_CASE("euler: with churn the samples have the moments of the algorithm", "[sampler]") {
    const churn_options churn{.s_churn = 4, .s_tmin = 0.2, .s_tmax = 8, .s_noise = 1.1};
    for (const auto& [name, grid] : falling_grids()) {
        INFO(name);
        const double most = 4 / static_cast<double>(grid.steps());
        const auto raised = [&](double sigma) {
            return sigma >= 0.2 && sigma <= 8 ? sigma * (1 + std::min(most, std::sqrt(2.0) - 1)) : sigma;
        };
        const auto step = [&](const gaussian_data& data, double sigma, double next, linear_value y) {
            const double hat = raised(sigma);
            return y + (next - hat) / hat * (y - estimate_at(data, hat, y));
        };
        const auto begin = [&](double sigma, linear_value y) {
            return y + linear_value{.z = {1.1 * std::sqrt(raised(sigma) * raised(sigma) - sigma * sigma)}};
        };
        check_moments(euler{churn}, grid, step, begin);
    }
}

TEST_CASE("euler: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(euler{{.s_churn = -1}}.plan(grid), value_error);
    CHECK_THROWS_AS(euler{{.s_churn = std::nan("")}}.plan(grid), value_error);
}

}  // namespace ddpm::test
