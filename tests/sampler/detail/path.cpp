// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/path.hpp>

#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/solver_check.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEST_CASE("a level between two points lies on the path that they show", "[sampler]") {
    for (const path_kind path : {path_kind::preserving, path_kind::exploding, path_kind::flow}) {
        for (const double from : {static_cast<double>(INFINITY), 9.0, 1.0}) {
            if (std::isinf(from) && path == path_kind::exploding) {
                continue;
            }
            for (const double to : {0.5, 0.0}) {
                if (std::isinf(from) && to == 0) {
                    continue;  // noise and data alone show no path
                }
                const noise_level<double> level = detail::level_between(level_on(path, from), level_on(path, to), 0.7);
                CHECK(std::abs(level.signal - level_on(path, 0.7).signal) < 1e-15);
                CHECK(std::abs(level.sigma - level_on(path, 0.7).sigma) < 1e-15);
            }
        }
    }
    // Where no path is known ln α goes with ln(σ/α).
    const noise_level<double> level = detail::level_between({0.2, 1.6}, {0.8, 1.6}, 4);
    CHECK(std::abs(level.signal - 0.4) < 1e-15);
    CHECK(std::abs(level.sigma - 1.6) < 1e-15);
    CHECK(detail::level_between({0.2, 1.6}, {0.8, 0}, 4).signal == 0.2);
}

TEST_CASE("the time at a level: linear in sigma where times are, else in the logarithm of the ratio", "[sampler]") {
    const auto time_at = [](const std::vector<grid_point>& points, isize k, double ratio) {
        return detail::point_at_ratio(time_grid(points), k, ratio, {}).t;
    };
    const std::vector<grid_point> sigma_times{{800, {0.2, 0.8}}, {500, {0.5, 0.5}}, {0, {1, 0}}};
    CHECK(std::abs(time_at(sigma_times, 0, 2) - 2000.0 / 3) < 1e-10);
    CHECK(std::abs(time_at(sigma_times, 1, 0.25) - 200) < 1e-10);
    const std::vector<grid_point> log_times{
        {std::log(8), {1, 8}}, {std::log(2), {1, 2}}, {std::log(0.5), {1, 0.5}}, {-1, {1, 0}}};
    CHECK(std::abs(time_at(log_times, 0, 4) - std::log(4)) < 1e-15);
    CHECK(std::abs(time_at(log_times, 1, 4) - std::log(4)) < 1e-15);  // above its step: in the step before
    CHECK(time_at(log_times, 2, 16) == std::log(8));                  // above the grid: its first time
    CHECK(std::abs(time_at(log_times, 2, 0.6) - std::log(0.6)) < 1e-15);
    const std::vector<grid_point> from_noise{{9, {0, 1}}, {4, {1, 2}}, {1, {1, 1}}};
    CHECK(time_at(from_noise, 1, 5) == 4);  // not in a step from noise alone
    const std::vector<grid_point> one_step{{7, {1, 2}}, {-1, {1, 0}}};
    CHECK(time_at(one_step, 0, 3) == 7);
    CHECK(detail::point_at_ratio(time_grid(one_step), 0, 3, [](double ratio) { return 5 * ratio; }).t == 15);
}

TEST_CASE("the level at a time: given, or with the logarithm of the ratio linear in time", "[sampler]") {
    const time_grid grid({{3, {1, 8}}, {1, {1, 2}}, {0, {1, 1}}, {-1, {1, 0}}});
    const auto level_at = [&](isize k, double t) { return detail::point_at_time(grid, k, t, std::nullopt).level; };
    CHECK(std::abs(level_at(0, 2).sigma - 4) < 1e-15);
    CHECK(std::abs(level_at(0, 0.5).sigma - std::sqrt(2.0)) < 1e-15);
    CHECK(level_at(0, 1).sigma == 2);
    CHECK(level_at(1, 0).sigma == 1);
    CHECK(std::abs(level_at(1, -0.25).sigma - 0.75) < 1e-15);  // to no noise at all the ratio is linear
    CHECK(level_at(0, -1).sigma == 0);
    const noise_schedule schedule{linear_beta{}, 10};
    const grid_point given = detail::point_at_time(grid, 0, 4, schedule);
    CHECK(given.t == 4);
    CHECK(given.level.sigma == noise_level_at(schedule, 4).sigma);
}

TEST_CASE("whole times are recognized", "[sampler]") {
    CHECK(detail::has_whole_times(time_grid({{9, {1, 2}}, {-1, {1, 0}}})));
    CHECK(!detail::has_whole_times(time_grid({{9, {1, 2}}, {0.5, {1, 1}}, {-1, {1, 0}}})));
    CHECK(!detail::has_whole_times(time_grid({{9, {1, 2}}, {1, {1, 1}}, {0.5, {1, 0}}})));
}

}  // namespace ddpm::test
