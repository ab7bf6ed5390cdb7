// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/tcd.hpp>

#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/lcm.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/golden_loop.hpp"
#include "support/solver_check.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEST_CASE("tcd: diffusers' loops", "[sampler]") {
    const noise_schedule<float32_tables> schedule{scaled_linear_beta{.start = 0.00085, .end = 0.012}, 1000};
    const auto sum = [&](isize steps) {
        const auto grid = make_grid(schedule, lcm_timesteps(1000, steps), grid_end::least_noise);
        return golden_loop(tcd{.gamma = 0, .level_of = schedule}.plan(grid)).sum;
    };
    CHECK(std::abs(sum(1) - 29.8715) < 1e-3);
    CHECK(std::abs(sum(10) - 181.2040) < 1e-3);
}

// By its own formula, with the levels in between taken from the path: ln(σ/α) is linear in time there.
TEST_CASE("tcd: the samples have the moments of the algorithm", "[sampler]") {
    std::vector<grid_point> points;
    const std::vector<double> times{0.9, 0.7, 0.35, 0.2};
    const auto ratio_of = [](double t) { return 0.01 * std::exp(7 * t); };
    for (const double t : times) {
        points.push_back({t, variance_preserving_level(ratio_of(t))});
    }
    points.push_back({0, variance_preserving_level(ratio_of(0))});
    const time_grid grid(points);
    const auto level_of = [&](double t) { return variance_preserving_level(ratio_of(t)); };
    for (const double gamma : {0.0, 0.3, 1.0}) {
        for (const bool given : {false, true}) {
            INFO("gamma " << gamma << (given ? ", levels given" : ""));
            tcd sampler{.gamma = gamma};
            if (given) {
                sampler.level_of = level_of;
            }
            isize k = 0;
            check_moments(sampler, grid, [&](const gaussian_data& data, double ratio, double next, linear_value y) {
                const bool last = ++k == grid.steps();
                const linear_value x0 = estimate_at(data, ratio, y), eps = 1 / ratio * (y - x0);
                const double lower = last ? next : ratio_of((1 - gamma) * grid[k].t);
                return x0 + lower * eps + linear_value{.z = {std::sqrt(next * next - lower * lower)}};
            });
        }
    }
}

TEST_CASE("tcd: without noise it is ddim", "[sampler]") {
    check_same(tcd{.gamma = 0}, ddim{}, 1e-300);
    check_finds_point(tcd{.gamma = 0});
    CHECK(tcd{.gamma = 0}.plan(grid_on(path_kind::flow, {3, 2, 0})).draws().empty());
    CHECK(tcd{}.plan(grid_on(path_kind::flow, {3, 2, 0})).draws().size() == 1);
    CHECK(tcd{}.plan(grid_on(path_kind::flow, {3, 0})).draws().empty());
}

TEST_CASE("tcd: whole times stay whole", "[sampler]") {
    const noise_schedule schedule{linear_beta{}, 100};
    const std::vector<isize> timesteps{90, 45};
    const sampling_plan plan = tcd{.level_of = schedule}.plan(make_grid(schedule, timesteps));
    // ⌊0.7 · 45⌋ = 31.
    const auto s = noise_level_at(schedule, 31), to = noise_level_at(schedule, 45);
    CHECK(std::abs(plan.stages()[0].then[0].terms[1].factor - to.signal / s.signal * s.sigma) < 1e-14);
}

TEST_CASE("tcd: what is outside its domain is an error", "[sampler]") {
    const time_grid grid = grid_on(path_kind::exploding, {2, 1, 0});
    for (const double gamma : {-0.1, 1.1, std::nan("")}) {
        CHECK_THROWS_AS(tcd{gamma}.plan(grid), value_error);
    }
    CHECK_THROWS_AS(tcd{}.plan(grid_on(path_kind::exploding, {0, 1, 2})), value_error);
}

}  // namespace ddpm::test
