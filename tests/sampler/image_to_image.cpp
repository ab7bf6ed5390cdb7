// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/image_to_image.hpp>

#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/interpolate.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
#include <vector>

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

TEST_CASE("slerp keeps length and ends", "[sampler]") {
    const batch<double> a = pattern<double>(50, 3, 1), b = pattern<double>(50, 3, 2);
    CHECK((slerp(a, b, 0) - a).abs().maxCoeff() < 1e-14);
    CHECK((slerp(a, b, 1) - b).abs().maxCoeff() < 1e-14);
    const batch<double> unit_a = a.rowwise() / a.square().colwise().sum().sqrt();
    const batch<double> unit_b = b.rowwise() / b.square().colwise().sum().sqrt();
    CHECK((slerp(unit_a, unit_b, 0.3).square().colwise().sum() - 1).abs().maxCoeff() < 1e-13);
    CHECK((slerp(a, a, 0.3) - a).abs().maxCoeff() < 1e-14);
    CHECK((slerp(batch<double>::Zero(50, 3), b, 0.3) - 0.3 * b).abs().maxCoeff() < 1e-14);  // which has no direction
    // Of some parallel vectors the cosine is beyond 1 by rounding.
    const batch<double> many = pattern<double>(3, 1000, 1);
    CHECK(((slerp(many, 0.7 * many, 0.3) - 0.91 * many).abs() < 1e-6).all());
    CHECK(((slerp(many, -0.7 * many, 0.3) - 0.49 * many).abs() < 1e-6).all());
    CHECK_THROWS_AS(slerp(a, pattern<double>(50, 2, 2), 0.5), shape_error);
}

TEST_CASE("interpolation ends at the image of either end", "[sampler]") {
    const gaussian_data data;
    const time_grid grid = uniform_lambda_grid(20);
    const batch<double> a = pattern<double>(5, 3, 1), b = pattern<double>(5, 3, 2);
    philox_noise noise(4, noise_stream::sampler);
    auto network = exact_network(data, prediction::epsilon);
    const auto at = [&](double weight) { return interpolate(ddim{}, grid, network, a, b, weight, 0.5, noise); };
    CHECK((at(0) - image_to_image(ddim{}, grid, network, a, 0.5, noise)).abs().maxCoeff() < 1e-15);
    CHECK((at(1) - image_to_image(ddim{}, grid, network, b, 0.5, noise)).abs().maxCoeff() < 1e-15);
    CHECK((at(0.5) - (at(0) + at(1)) / 2).abs().maxCoeff() < 1e-13);  // Gaussian data make all of it affine
    CHECK_THROWS_AS(interpolate(ddim{}, grid, network, a, pattern<double>(5, 2, 2), 0.5, 0.5, noise), shape_error);
}

TEST_CASE("interpolation reads only what has weight", "[sampler]") {
    const noise_schedule schedule{cosine_beta{}, 20};
    const time_grid grid = make_grid(schedule, std::vector<isize>{18, 12, 6, 1});
    const predictor_archetype<double> network;
    philox_noise noise(3, noise_stream::sampler);
    const batch<double> x = pattern<double>(3, 2, 1);
    const batch<double> broken = batch<double>::Constant(3, 2, std::numeric_limits<double>::infinity());
    const batch<double> expected = image_to_image(ddim{}, grid, network, x, 0.5, noise);
    CHECK((interpolate(ddim{}, grid, network, x, broken, 0, 0.5, noise) == expected).all());
    CHECK((interpolate(ddim{}, grid, network, broken, x, 1, 0.5, noise) == expected).all());
    CHECK_THROWS_AS(interpolate(ddim{}, grid, network, x, x, std::nan(""), 0.5, noise), value_error);
}

TEST_CASE("on a great circle the end alone is read where it has all the weight", "[sampler]") {
    const batch<double> x = pattern<double>(3, 2, 1), broken = batch<double>::Constant(3, 2, std::nan(""));
    CHECK((slerp(x, broken, 0) == x).all());
    CHECK((slerp(broken, x, 1) == x).all());
}

}  // namespace ddpm::test
