// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/consistency.hpp>

#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/predictor/preconditioned.hpp>

#include "support/catch.hpp"
#include "support/golden_loop.hpp"
#include "support/sigma_golden.hpp"
#include "support/solver_check.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

namespace {

/// Some of diffusers' 201 Karras σ, numbered from the highest, which it calls timesteps; the last step goes to the
/// least σ.
time_grid some_of(const std::vector<isize>& chosen) {
    const std::vector<double> sigmas = karras_sigmas(201);
    std::vector<grid_point> points;
    for (const isize k : chosen) {
        const double sigma = sigmas[static_cast<std::size_t>(k)];
        points.push_back({sigma, {1, sigma}});
    }
    points.push_back({0.002, {1, 0.002}});
    return time_grid(std::move(points));
}

double golden_sum(const time_grid& grid, bool with_noise = false) {
    batch<float> x = 80 * deterministic<float>(false);
    if (with_noise) {
        x += static_cast<float>(grid[0].level.sigma) * deterministic<float>(true);
    }
    auto model = edm_preconditioned(golden_model<float>, {.sigma_min = 0.002, .time_scale = 1000});
    torch_noise noise(0);
    const sampling_plan plan = consistency{}.plan(grid);
    sampling_run<float, decltype(model), torch_noise> run(plan, model, noise, std::move(x), {.clip_x0 = 1});
    while (!run.done()) {
        run.step();
    }
    return std::move(run).take().cast<double>().abs().sum();
}

}  // namespace

TEST_CASE("consistency: diffusers' loops", "[sampler]") {
    sigma_golden::check_sum(golden_sum(some_of({0})), 192.7614, 1e-2);
    sigma_golden::check_sum(golden_sum(some_of({0, 106})), 347.6357, 1e-2);
    sigma_golden::check_sum(golden_sum(some_of({160, 180}), true), 763.9186, 1e-2);
}

TEST_CASE("consistency: the samples have the moments of the algorithm", "[sampler]") {
    for (const auto& [name, grid] : falling_grids()) {
        INFO(name);
        const bool one = grid.steps() == 1;
        check_moments(consistency{.sigma_min = 0.05, .s_noise = 1.1}, grid,
                      [&](const gaussian_data& data, double sigma, double next, linear_value y) {
                          const double noise = next > 0.05 && !one ? std::sqrt(next * next - 0.05 * 0.05) : 0;
                          return estimate_at(data, sigma, y) + linear_value{.z = {1.1 * noise}};
                      });
        CHECK(consistency{}.plan(grid).draws().size() == static_cast<std::size_t>(one ? 0 : grid.steps()));
    }
    check_finds_point(consistency{.sigma_min = 100});
}

TEST_CASE("consistency: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(consistency{.sigma_min = -1}.plan(grid), value_error);
    CHECK_THROWS_AS(consistency{.sigma_min = std::nan("")}.plan(grid), value_error);
    CHECK_THROWS_AS(consistency{.s_noise = -1}.plan(grid), value_error);
    CHECK_THROWS_AS(consistency{}.plan(grid_on(path_kind::exploding, {0, 1, 2})), value_error);
}

}  // namespace ddpm::test
