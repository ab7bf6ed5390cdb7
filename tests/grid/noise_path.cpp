// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/grid/noise_path.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>

namespace ddpm::test {

TEST_CASE("a path of levels has the ratio that is asked for, at the schedule's level and time", "[grid]") {
    const variance_preserving vp{.time_scale = 999};
    for (const double ratio : {1e-3, 0.5, 1.0, 30.0}) {
        for (const noise_path& path :
             {noise_path(vp), noise_path(variance_exploding{}), noise_path(rectified_flow{})}) {
            CHECK(std::abs(noise_ratio(path(ratio).level) - ratio) < 1e-12 * ratio);
        }
        const grid_point point = noise_path(vp)(ratio);
        CHECK(std::abs(point.t - 999 * vp.time_of(ratio)) < 1e-12);
        CHECK(std::abs(std::hypot(point.level.signal, point.level.sigma) - 1) < 1e-12);
        CHECK(noise_path(variance_exploding{})(ratio).level.signal == 1);
    }
}

TEST_CASE("the path of a discrete schedule goes through its timesteps", "[grid]") {
    const noise_schedule<> schedule{linear_beta{}, 100};
    const noise_path path(schedule);
    const sigma_table table(schedule);
    for (const isize t : {isize{0}, isize{17}, isize{99}}) {
        const auto expected = noise_level_at(schedule, t);
        const grid_point point = path(noise_ratio(expected));
        CHECK(std::abs(point.t - static_cast<double>(t)) < 1e-9);
        CHECK(std::abs(point.level.signal - expected.signal) < 1e-12);
        CHECK(std::abs(point.level.sigma - expected.sigma) < 1e-12);
    }
    const double between = std::sqrt(table.sigma_at(17) * table.sigma_at(18));
    CHECK(std::abs(path(between).t - 17.5) < 1e-9);
    CHECK(path(2 * table.range().highest).t == 99);
    CHECK(path(table.range().lowest / 2).t == 0);
}

TEST_CASE("noise_path: a ratio that is none is an error, and a point that has another", "[grid]") {
    const noise_path path([](double ratio) { return grid_point{ratio, {1, ratio < 5 ? ratio : 5}}; });
    CHECK(path(2).t == 2);
    CHECK_THROWS_AS(path(6), value_error);
    CHECK_THROWS_AS(path(0), value_error);
    CHECK_THROWS_AS(path(-1), value_error);
    CHECK_THROWS_AS(path(std::numeric_limits<double>::infinity()), value_error);
}

}  // namespace ddpm::test
