// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/level_slope.hpp>

#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

namespace ddpm::test {

namespace {

/// A schedule without the members that say more than its levels and its times.
template <class Schedule>
struct bare_levels {
    Schedule schedule;
    [[nodiscard]] noise_level<double> level(double u) const { return schedule.level(u); }
    [[nodiscard]] time_range times() const { return times_of(schedule); }
};

/// The known derivatives, and those that are taken without them, against differences of another width.
template <class Schedule>
void check_level_slope(const Schedule& schedule, double u) {
    const double h = 1e-4 * std::min(u, 1 - u);
    const noise_level<double> low = schedule.level(u - h), high = schedule.level(u + h);
    const noise_level<double> expected{(high.signal - low.signal) / (2 * h), (high.sigma - low.sigma) / (2 * h)};
    INFO("u = " << u);
    for (const noise_level<double>& slope :
         {level_slope_at(schedule, u), level_slope_at(bare_levels<Schedule>{schedule}, u)}) {
        CHECK(std::abs(slope.signal - expected.signal) < 1e-6 * (1 + std::abs(expected.signal)));
        CHECK(std::abs(slope.sigma - expected.sigma) < 1e-6 * (1 + std::abs(expected.sigma)));
    }
}

}  // namespace

TEST_CASE("the slope of the level is its derivative, whether the schedule knows it or not", "[schedule]") {
    for (const double u : {0.01, 0.1, 0.5, 0.9, 0.995}) {
        check_level_slope(variance_preserving{}, u);
        check_level_slope(variance_preserving{.beta_min = 0.5, .beta_d = 3}, u);
        check_level_slope(rectified_flow{.time_scale = 1000}, u);
        check_level_slope(variance_exploding{}, u);
        check_level_slope(log_snr_schedule{cosine_log_snr{}}, u);
    }
    CHECK(std::abs(level_slope_at(bare_levels<variance_exploding>{}, 80).sigma - 1) < 1e-9);
    CHECK(level_slope_at(variance_exploding{}, 80).sigma == 1);
}

TEST_CASE("the slope by the log-SNR is that of its level", "[schedule]") {
    for (const double log_snr : {-12.0, -1.0, 0.5, 9.0}) {
        const double h = 1e-5;
        const noise_level<double> low = level_of_log_snr(log_snr - h), high = level_of_log_snr(log_snr + h);
        const noise_level<double> slope = level_slope_of_log_snr(log_snr);
        CHECK(std::abs(slope.signal * 2 * h / (high.signal - low.signal) - 1) < 1e-6);
        CHECK(std::abs(slope.sigma * 2 * h / (high.sigma - low.sigma) - 1) < 1e-6);
    }
}

TEST_CASE("slopes of the level: at the ends from within, outside them an error", "[schedule]") {
    for (const double u : {0.0, 1.0}) {
        CHECK(level_slope_at(rectified_flow{}, u).signal == -1);
        CHECK(std::abs(level_slope_at(bare_levels<rectified_flow>{}, u).signal + 1) < 1e-9);
        CHECK(std::abs(level_slope_at(bare_levels<rectified_flow>{}, u).sigma - 1) < 1e-9);
    }
    CHECK(std::isinf(level_slope_at(variance_preserving{}, 0).sigma));
    CHECK_THROWS_AS(level_slope_at(rectified_flow{}, 1.5), value_error);
    CHECK_THROWS_AS(level_slope_at(variance_exploding{}, -1), value_error);
    CHECK_THROWS_AS(level_slope_at(variance_preserving{}, -1), value_error);
    CHECK_THROWS_AS(level_slope_at(log_snr_schedule{cosine_log_snr{}}, 1.5), value_error);
}

}  // namespace ddpm::test
