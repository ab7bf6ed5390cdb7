// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/sigma_grid.hpp>

#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {
namespace {

using list = std::vector<double>;

const noise_schedule<float32_tables>& linear() {
    static const noise_schedule<float32_tables> schedule{linear_beta{}, 1000};
    return schedule;
}

const noise_schedule<float32_tables>& scaled() {
    static const noise_schedule<float32_tables> schedule{scaled_linear_beta{}, 1000};
    return schedule;
}

void check_points(const time_grid& grid, const list& times, const list& ratios) {
    REQUIRE(grid.steps() == static_cast<isize>(times.size()));
    for (std::size_t k = 0; k < ratios.size(); ++k) {
        CAPTURE(k);
        const grid_point& point = grid[static_cast<isize>(k)];
        CHECK(std::abs(noise_ratio(point.level) - ratios[k]) <= 1e-6 * ratios[k]);
        CHECK(std::abs(point.t - (k < times.size() ? times[k] : -1)) <= 1e-6 * std::abs(point.t));
    }
}

}  // namespace

TEST_CASE("a grid over sigmas has the times and levels of diffusers", "[grid]") {
    const sigma_table table{scaled()};
    check_points(sigma_grid(table, karras_sigmas(7, table.range())),
                 {999, 868.415649, 687.153259, 427.489777, 145.939056, 17.8585014, 0},
                 {14.6146469, 7.09442043, 3.16861105, 1.27410531, 0.446920902, 0.130308732, 0.0291675348, 0});
    check_points(sigma_grid(scaled(), exponential_sigmas(7, table.range())),
                 {999, 803.169556, 538.066895, 233.209732, 52.3824615, 6.78423548, 0},
                 {14.6146469, 5.18569422, 1.84003234, 0.652896047, 0.231666163, 0.0822017714, 0.0291675348, 0});
}

TEST_CASE("DPM-Solver of diffusers tells whole timesteps", "[grid]") {
    const sigma_table table{linear()};
    check_points(sigma_grid(table, karras_sigmas(6, table.range()), {.whole_timesteps = true}),
                 {999, 880, 711, 434, 77, 0},
                 {157.407272, 50.5809174, 13.0379848, 2.42288852, 0.263138086, 0.0100013297, 0});
    check_points(sigma_grid(table, exponential_sigmas(6, table.range()), {.whole_timesteps = true}),
                 {999, 785, 492, 138, 17, 0},
                 {157.407257, 22.7840729, 3.29790354, 0.477358371, 0.0690957233, 0.0100013297, 0});
}

TEST_CASE("a grid over fractional timesteps is that of Euler's linspace", "[grid]") {
    const sigma_table table{scaled()};
    check_points(fractional_grid(table, list{999, 832.5, 666, 499.5, 333, 166.5, 0}),
                 {999, 832.5, 666, 499.5, 333, 166.5, 0},
                 {14.6146469, 5.94891834, 2.9183085, 1.61558342, 0.932358384, 0.493553489, 0.0291675348, 0});
}

TEST_CASE("over whole timesteps it is the grid of the schedule", "[grid]") {
    const noise_schedule schedule{linear_beta{}, 1000};
    const std::vector<isize> timesteps{999, 500, 0};
    for (const grid_end end : {grid_end::zero_noise, grid_end::least_noise}) {
        const time_grid expected = make_grid(schedule, timesteps, end);
        const time_grid got = fractional_grid(sigma_table(schedule), list{999, 500, 0}, {.end = end});
        for (isize k = 0; k <= 3; ++k) {
            CHECK(got[k].t == expected[k].t);
            CHECK(std::abs(got[k].level.signal - expected[k].level.signal) <= 1e-15);
            CHECK(std::abs(got[k].level.sigma - expected[k].level.sigma) <= 1e-15);
        }
    }
}

TEST_CASE("levels keep the variance, or the signal, up to the end asked for", "[grid]") {
    const sigma_table table{linear()};
    const list sigmas = karras_sigmas(4, table.range());
    for (const bool exploding : {false, true}) {
        for (const grid_end end : {grid_end::zero_noise, grid_end::least_noise}) {
            const time_grid grid = sigma_grid(table, sigmas, {.end = end, .exploding = exploding});
            CHECK(grid.steps() == 4);
            for (isize k = 0; k <= 4; ++k) {
                const auto [signal, sigma] = grid[k].level;
                const double last = end == grid_end::zero_noise ? 0 : table.range().lowest;
                const double ratio = k < 4 ? sigmas[static_cast<std::size_t>(k)] : last;
                CHECK(std::abs(sigma / signal - ratio) <= 1e-13 * ratio);
                CHECK(std::abs((exploding ? signal : signal * signal + sigma * sigma) - 1) <= 1e-15);
            }
        }
    }
    CHECK(sigma_grid(table, karras_sigmas(1, table.range())).steps() == 1);
}

TEST_CASE("sigmas and times that do not fall are errors", "[grid]") {
    CHECK_THROWS_AS(sigma_grid(linear(), list{}), value_error);
    CHECK_THROWS_AS(sigma_grid(linear(), list{1, 2}), value_error);
    CHECK_THROWS_AS(sigma_grid(linear(), list{-1}), value_error);
    CHECK_THROWS_AS(sigma_grid(linear(), list{1, 0.001}, {.end = grid_end::least_noise}), value_error);
    const sigma_table table{linear()};
    CHECK_THROWS_AS(fractional_grid(table, list{}), value_error);
    CHECK_THROWS_AS(fractional_grid(table, list{1, 2}), value_error);
    CHECK_THROWS_AS(fractional_grid(table, list{1000}), value_error);
}

}  // namespace ddpm::test
