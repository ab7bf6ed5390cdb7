// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/lcm.hpp>

#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/golden_loop.hpp"
#include "support/solver_check.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEST_CASE("lcm: diffusers' loops", "[sampler]") {
    const noise_schedule<float32_tables> schedule{scaled_linear_beta{.start = 0.00085, .end = 0.012}, 1000};
    const auto sum = [&](isize steps) {
        return golden_loop<float>(lcm{}.plan(make_grid(schedule, lcm_timesteps(1000, steps)))).sum;
    };
    CHECK(std::abs(sum(1) - 18.7097) < 1e-3);
    CHECK(std::abs(sum(10) - 197.7616) < 1e-3);
}

TEST_CASE("lcm: the samples have the moments of the algorithm", "[sampler]") {
    const lcm sampler{.time_scale = 2, .sigma_data = 0.7};
    for (const named_grid& of : falling_grids()) {
        INFO(of.name);
        const time_grid& grid = of.grid;
        isize k = 0;
        check_moments(sampler, grid, [&](const gaussian_data& data, double ratio, double next, linear_value y) {
            const double u = 2 * grid[k].t, signal = grid[k].level.signal;
            ++k;
            const linear_value f =
                0.49 / (u * u + 0.49) * (signal * y) + u / std::sqrt(u * u + 0.49) * estimate_at(data, ratio, y);
            return f + linear_value{.z = {next}};
        });
    }
}

TEST_CASE("lcm: the last step is the estimate, wherever the grid ends", "[sampler]") {
    const time_grid grid = grid_on(path_kind::preserving, {8, 2, 0.1});
    const sampling_plan plan = lcm{}.plan(grid);
    CHECK(plan.draws().size() == 1);
    const double u = 10 * grid[1].t;
    const std::vector<term>& last = plan.stages()[1].then[0].terms;
    REQUIRE(last.size() == 2);
    CHECK(std::abs(last[0].factor - 0.25 / (u * u + 0.25)) < 1e-15);
    CHECK(std::abs(last[1].factor - u / std::sqrt(u * u + 0.25)) < 1e-15);
    CHECK(lcm{}.plan(grid_on(path_kind::flow, {INFINITY, 0})).draws().empty());
}

TEST_CASE("the timesteps of a latent consistency model are some of those that it was distilled on", "[sampler]") {
    CHECK(lcm_timesteps(1000, 1) == std::vector<isize>{999});
    CHECK(lcm_timesteps(1000, 4) == std::vector<isize>{999, 759, 499, 259});
    CHECK(lcm_timesteps(1000, 10) == std::vector<isize>{999, 899, 799, 699, 599, 499, 399, 299, 199, 99});
    CHECK(lcm_timesteps(1000, 3, 7) == std::vector<isize>{993, 709, 425});
    CHECK(lcm_timesteps(3, 3, 3) == std::vector<isize>{2, 1, 0});
    CHECK(lcm_timesteps(10, 1, 1) == std::vector<isize>{9});
    CHECK_THROWS_AS(lcm_timesteps(1000, 0), value_error);
    CHECK_THROWS_AS(lcm_timesteps(1000, 51), value_error);
    CHECK_THROWS_AS(lcm_timesteps(40, 1), value_error);
    CHECK_THROWS_AS(lcm_timesteps(40, 1, 0), value_error);
}

TEST_CASE("lcm: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    CHECK_THROWS_AS(lcm{.sigma_data = 0}.plan(grid), value_error);
    CHECK_THROWS_AS(lcm{.sigma_data = std::nan("")}.plan(grid), value_error);
    CHECK_THROWS_AS(lcm{.time_scale = std::numeric_limits<double>::infinity()}.plan(grid), value_error);
    CHECK_THROWS_AS(lcm{}.plan(grid_on(path_kind::exploding, {0, 1, 2})), value_error);
}

}  // namespace ddpm::test
