// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/inversion.hpp>

#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/convergence.hpp"
#include "support/golden_loop.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEST_CASE("iterations invert ddim as exactly as one wants", "[sampler]") {
    const gaussian_data data;
    const time_grid grid = uniform_lambda_grid(12, -3, 4);
    const batch<double> x0 = pattern<double>(5, 4, 1);
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v}) {
        double before = 1;
        for (const isize iterations : {1, 4, 16, 64}) {
            const inverted<double> found = invert({.iterations = iterations}, grid, exact_network(data, kind), x0);
            const double error = found.error.maxCoeff();
            INFO(name_of(kind) << ", " << iterations << " iterations: " << error);
            CHECK(error < std::max(before / 2, 1e-13));
            before = error;
            CHECK(std::abs(found.error(2) - std::sqrt((found.reconstructed - x0).square().col(2).mean())) < 1e-15);
        }
        CHECK(before < 1e-12);
    }
}

TEST_CASE("one iteration leaves the error of ddim's own inversion", "[sampler]") {
    const gaussian_data data;
    const time_grid grid = uniform_lambda_grid(12, -3, 4);
    const batch<double> x0 = pattern<double>(5, 4, 1);
    philox_noise noise(1, noise_stream::sampler);
    const inverted<double> once = invert({.iterations = 1}, grid, exact_network(data, prediction::epsilon), x0);
    const batch<double> usual = denoise_from<double>(
        ddim{}.plan(inversion_grid(grid)), exact_network(data, prediction::epsilon), batch<double>(x0), noise);
    CHECK((once.latents - usual).abs().maxCoeff() < 1e-12);
    CHECK(once.error.maxCoeff() > 0.01);
}

// Published: diffusers' tests/schedulers/test_scheduler_ddim_inverse.py.
TEST_CASE("DDIM inversion ends where diffusers does", "[sampler]") {
    const auto timesteps = make_timesteps(1000, 10, timestep_spacing::leading);
    const auto check = [&](const linear_beta& beta, grid_end end, prediction kind, const golden_sums& expected) {
        const noise_schedule<float32_tables> schedule{beta, 1000};
        const time_grid grid = inversion_grid(make_grid(schedule, timesteps, end));
        const auto [sum, mean] = golden_loop(ddim{}.plan(grid), {.kind = kind, .denoise = {.clip_x0 = 1.0}});
        INFO("sum " << sum << ", mean " << mean);
        CHECK(std::abs(sum - expected.sum) < 1e-2);
        CHECK(std::abs(mean - expected.mean) < 1e-3);
    };
    check({}, grid_end::zero_noise, prediction::epsilon, {671.6816, 0.8746});
    check({}, grid_end::zero_noise, prediction::v, {1394.2185, 1.8154});
    check({.start = 0.01}, grid_end::zero_noise, prediction::epsilon, {539.9622, 0.7031});
    check({.start = 0.01}, grid_end::least_noise, prediction::epsilon, {542.6722, 0.7066});
}

TEST_CASE("ddim_inversion: what cannot be inverted is an error", "[sampler]") {
    const time_grid grid = uniform_lambda_grid(5);
    CHECK_THROWS_AS(ddim_inversion{.iterations = 0}.plan(grid), value_error);
    CHECK_THROWS_AS(ddim_inversion{}.plan(grid.reversed()), value_error);
    CHECK_NOTHROW(ddim_inversion{}.plan(uniform_lambda_grid(1)));
}

}  // namespace ddpm::test
