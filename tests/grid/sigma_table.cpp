// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/sigma_table.hpp>

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/zero_terminal_snr.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {
namespace {

using list = std::vector<double>;

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

}  // namespace

TEST_CASE("tables have the published ends", "[grid]") {
    const sigma_range scaled = sigma_table(noise_schedule{scaled_linear_beta{}, 1000}).range();
    CHECK(near(scaled.lowest, 0.029167158, 1e-8));
    CHECK(near(scaled.highest, 14.614641, 1e-7));
    const sigma_range linear = sigma_table(noise_schedule{linear_beta{}, 1000}).range();
    CHECK(near(linear.lowest, 0.0100005, 1e-7));
    CHECK(near(linear.highest, 157.40728, 1e-7));
    // In float, as diffusers.
    const sigma_range rounded = sigma_table(noise_schedule<float32_tables>{linear_beta{}, 1000}).range();
    CHECK(static_cast<float>(rounded.lowest) == 0.0100013297F);
    CHECK(static_cast<float>(rounded.highest) == 157.407272F);
}

TEST_CASE("sigma between timesteps is interpolated", "[grid]") {
    const noise_schedule schedule{scaled_linear_beta{}, 1000};
    const sigma_table table{schedule};
    CHECK(table.steps() == 1000);
    for (const isize t : {0, 1, 500, 998, 999}) {
        CHECK(near(table.sigma_at(static_cast<double>(t)), noise_ratio(noise_level_of(schedule.alpha_bar(t))), 1e-14));
    }
    CHECK(near(table.sigma_at(10.25), 0.75 * table.sigma_at(10) + 0.25 * table.sigma_at(11), 1e-14));
    // diffusers, Euler, linspace, in float.
    CHECK(near(table.sigma_at(832.5), 5.94891834, 1e-6));
    CHECK(near(table.sigma_at(166.5), 0.493553489, 1e-6));
    for (const double bad : {-0.1, 999.1, std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_AS(table.sigma_at(bad), value_error);
    }
}

TEST_CASE("the time of a sigma is that of diffusers, and the inverse of the table", "[grid]") {
    const sigma_table table{noise_schedule{scaled_linear_beta{}, 1000}};
    // diffusers, Euler, Karras σ, in float.
    CHECK(near(table.time_of(7.09442043), 868.415649, 1e-6));
    CHECK(near(table.time_of(1.27410531), 427.489777, 1e-6));
    CHECK(near(table.time_of(0.130308732), 17.8585014, 1e-6));
    for (const double t : {0.0, 1.0, 17.0, 500.0, 999.0}) {
        CHECK(std::abs(table.time_of(table.sigma_at(t)) - t) <= 1e-9);
    }
    // Halfway in ln σ.
    CHECK(std::abs(table.time_of(std::sqrt(table.sigma_at(40) * table.sigma_at(41))) - 40.5) <= 1e-9);
    double before = -1;
    for (const double sigma : {0.03, 0.1, 0.5, 3.0, 10.0, 14.0}) {
        CHECK(table.time_of(sigma) > before);
        before = table.time_of(sigma);
    }
    CHECK(table.time_of(0) == 0);
    CHECK(table.time_of(0.001) == 0);
    CHECK(table.time_of(1e9) == 999);
    CHECK(table.time_of(std::numeric_limits<double>::infinity()) == 999);
    CHECK_THROWS_AS(table.time_of(-1), value_error);
    CHECK_THROWS_AS(table.time_of(std::numeric_limits<double>::quiet_NaN()), value_error);
}

TEST_CASE("where there is no signal the ratio stays finite", "[grid]") {
    const sigma_table table{noise_schedule{zero_terminal_snr(linear_beta{}, 1000), 1000}};
    CHECK(near(table.range().highest, 4096, 1e-7));
    CHECK(near(table.sigma_at(749), 19.2565136, 1e-5));
    // The table falls at its end: the last timestep not above counts.
    CHECK(table.sigma_at(998) > table.sigma_at(999));
    CHECK(table.time_of(table.range().highest) == 999);
}

TEST_CASE("a table of one timestep", "[grid]") {
    const sigma_table table{noise_schedule{linear_beta{}, 1}};
    CHECK(table.steps() == 1);
    CHECK(table.range().lowest == table.range().highest);
    CHECK(table.sigma_at(0) == table.range().highest);
    CHECK(table.time_of(0.001) == 0);
    CHECK(table.time_of(5) == 0);
    CHECK(table.select(1, table.range()) == list{table.range().highest});
}

TEST_CASE("the discretization of iDDPM is selected from the cosine schedule's table", "[grid]") {
    const sigma_table table{noise_schedule{cosine_beta{}, 1000}};
    CHECK(near(table.range().lowest, 0.00642541, 1e-6));
    CHECK(near(table.range().highest, 20291.2, 3e-6));
    // Its own recursion, from the least noise upwards.
    const auto alpha_bar = [](int j) {
        const double s = std::sin(std::acos(-1.0) / 2 * j / (1000 * 1.008));
        return s * s;
    };
    double u = 0;
    for (int j = 1000; j > 0; --j) {
        u = std::sqrt((u * u + 1) / std::max(alpha_bar(j - 1) / alpha_bar(j), 0.001) - 1);
        CHECK(near(table.sigma_at(1000 - j), u, 1e-9));
    }

    const list all = table.select(1000, {.lowest = 0, .highest = 1e9});
    CHECK(all.front() == table.range().highest);
    CHECK(all.back() == table.range().lowest);
    const sigma_range range{.lowest = 0.002, .highest = 81};
    isize inside = 0;
    for (const double sigma : all) {
        inside += sigma <= 81 ? 1 : 0;
    }
    const list chosen = table.select(18, range);
    REQUIRE(chosen.size() == 18);
    for (std::size_t k = 0; k < 18; ++k) {
        const double position = std::nearbyint(static_cast<double>(k) * static_cast<double>(inside - 1) / 17);
        CHECK(chosen[k] == all[static_cast<std::size_t>(1000 - inside) + static_cast<std::size_t>(position)]);
    }
    CHECK(table.select(1, range) == list{chosen.front()});
    CHECK(static_cast<isize>(table.select(inside, range).size()) == inside);
    CHECK_THROWS_AS(table.select(0, range), value_error);
    CHECK_THROWS_AS(table.select(inside + 1, range), value_error);
    CHECK_THROWS_AS(table.select(1, {.lowest = 1e8, .highest = 1e9}), value_error);
}

}  // namespace ddpm::test
