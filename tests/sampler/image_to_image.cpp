// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/image_to_image.hpp>

#include <ddpm/sampler/ddim.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <cmath>

namespace ddpm::test {

TEST_CASE("the strength says how many steps are left", "[sampler]") {
    const time_grid grid = uniform_lambda_grid(10);
    CHECK(grid_for_strength(grid, 1).steps() == 10);
    CHECK(grid_for_strength(grid, 0.3).steps() == 3);
    CHECK(grid_for_strength(grid, 0.35).skipped() == 7);
    CHECK(grid_for_strength(grid, 0.1)[0].t == grid[9].t);
    CHECK_THROWS_AS(grid_for_strength(grid, 0.05), value_error);
    CHECK_THROWS_AS(grid_for_strength(grid, 1.5), value_error);
    CHECK_THROWS_AS(grid_for_strength(grid, std::nan("")), value_error);
}

TEST_CASE("an image starts at its own noised self", "[sampler]") {
    const gaussian_data data;
    const time_grid grid = uniform_lambda_grid(20);
    const batch<double> x0 = pattern<double>(5, 3, 1);
    philox_noise noise(4, noise_stream::sampler);
    batch<double> first;
    const step_callback<double> keep = [&](const sample_step<double>& now) {
        if (now.step == 0) {
            first = now.xt.array();
        }
        return true;
    };
    const batch<double> out =
        image_to_image(ddim{}, grid, exact_network(data, prediction::epsilon), x0, 0.5, noise, {}, keep);
    batch<double> z(5, 3);
    noise.normal(batch_view<double>(z), 0, 0);
    const noise_level<double> level = grid[10].level;
    CHECK((first - (level.signal * x0 + level.sigma * z)).abs().maxCoeff() < 1e-15);
    CHECK((noised_to(level, x0, noise) == first).all());
    CHECK((out - x0).abs().maxCoeff() > 0.01);
    // With the last step only, little changes but what the level's noise did.
    const batch<double> near = image_to_image(ddim{}, grid, exact_network(data, prediction::epsilon), x0, 0.05, noise);
    CHECK((near - x0).abs().maxCoeff() < 5 * grid[19].level.sigma);
}

}  // namespace ddpm::test
