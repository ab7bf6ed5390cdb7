// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/time_grid.hpp>

#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEST_CASE("a grid over timesteps goes to the next in the list, and to its end", "[grid]") {
    const noise_schedule schedule{linear_beta{}, 1000};
    const std::vector<isize> timesteps{999, 500, 3};
    const time_grid grid = make_grid(schedule, timesteps);
    CHECK(grid.steps() == 3);
    CHECK(grid[1].t == 500);
    CHECK(grid[1].level.signal == std::sqrt(schedule.alpha_bar(500)));
    CHECK(grid[3].t == -1);
    CHECK(grid[3].level.signal == 1);
    CHECK(grid[3].level.sigma == 0);
    const time_grid noisy = make_grid(schedule, timesteps, grid_end::least_noise);
    CHECK(noisy[3].t == 0);
    CHECK(noisy[3].level.sigma == std::sqrt(1 - schedule.alpha_bar(0)));
    CHECK_THROWS_AS(make_grid(schedule, std::vector<isize>{3, 500}), value_error);
    CHECK_THROWS_AS(make_grid(schedule, std::vector<isize>{}), value_error);
    CHECK_THROWS_AS(make_grid(schedule, std::vector<isize>{1000}), value_error);
}

TEST_CASE("a grid is cut and turned round", "[grid]") {
    const noise_schedule schedule{linear_beta{}, 1000};
    const time_grid grid = make_grid(schedule, std::vector<isize>{999, 500, 3});
    const time_grid rest = grid.from(1).from(1);
    CHECK(rest.steps() == 1);
    CHECK(rest.skipped() == 2);
    CHECK(rest[0].t == 3);
    CHECK(grid.from(0).steps() == 3);
    const time_grid back = grid.reversed();
    CHECK(back[0].t == -1);
    CHECK(back[3].t == 999);
    CHECK_THROWS_AS(grid.from(3), value_error);
    CHECK_THROWS_AS(grid.from(-1), value_error);
}

TEST_CASE("a grid has levels that fall or rise", "[grid]") {
    const auto grid = [](std::vector<noise_level<double>> levels) {
        std::vector<grid_point> points;
        for (const noise_level<double>& level : levels) {
            points.push_back({0, level});
        }
        return time_grid(points);
    };
    CHECK_NOTHROW(grid({{0, 1}, {0.6, 0.8}, {0.6, 0.8}, {1, 0}}));
    CHECK_NOTHROW(grid({{1, 0}, {1, 3}, {1, 80}}));
    CHECK_THROWS_AS(grid({{1, 1}}), value_error);
    CHECK_THROWS_AS(grid({{1, 2}, {1, 1}, {1, 3}}), value_error);
    CHECK_THROWS_AS(grid({{1, 2}, {-1, 1}}), value_error);
    CHECK_THROWS_AS(grid({{1, 2}, {0, 0}}), value_error);
    CHECK_THROWS_AS(grid({{1, std::numeric_limits<double>::quiet_NaN()}, {1, 0}}), value_error);
    CHECK_THROWS_AS(grid({{1, std::numeric_limits<double>::infinity()}, {1, 0}}), value_error);
}

TEST_CASE("levels whose squares are 0 are errors, but for 0 itself", "[grid]") {
    const auto grid = [](const noise_level<double>& first, const noise_level<double>& last) {
        return time_grid({{1, first}, {0, last}});
    };
    CHECK_THROWS_AS(grid({1, 1}, {1, 1e-320}), value_error);
    CHECK_THROWS_AS(grid({1, 1}, {1, 1e-200}), value_error);
    CHECK_THROWS_AS(grid({1e-310, 1}, {1, 0}), value_error);
    CHECK_NOTHROW(grid({1e-150, 1}, {1, 1e-150}));
    CHECK_NOTHROW(grid({0, 1}, {1, 0}));
}

}  // namespace ddpm::test
