// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/log_snr_slope.hpp>

#include <ddpm/schedule/log_snr_schedule.hpp>
#include <ddpm/schedule/rectified_flow.hpp>
#include <ddpm/schedule/variance_exploding.hpp>
#include <ddpm/schedule/variance_preserving.hpp>

#include "support/catch.hpp"

#include <cmath>

namespace ddpm::test {

namespace {

/// A schedule without the members that say more than its levels.
template <class Schedule>
struct levels_only {
    Schedule schedule;
    [[nodiscard]] noise_level<double> level(double u) const { return schedule.level(u); }
};

struct endless_levels : levels_only<variance_exploding> {
    [[nodiscard]] time_range times() const { return schedule.times(); }
};

double log_snr(const noise_level<double>& level) { return 2 * half_log_snr(level); }

/// The known slope against a difference of another width, and the difference that is taken without it.
template <class Schedule>
void check_slope(const Schedule& schedule, double u) {
    const double h = 1e-4 * std::min(u, 1 - u);
    const double expected = (log_snr(schedule.level(u + h)) - log_snr(schedule.level(u - h))) / (2 * h);
    INFO("u = " << u);
    CHECK(std::abs(schedule.log_snr_slope(u) / expected - 1) < 1e-6);
    CHECK(log_snr_slope_at(schedule, u) == schedule.log_snr_slope(u));
    CHECK(std::abs(log_snr_slope_at(levels_only<Schedule>{schedule}, u) / expected - 1) < 1e-5);
}

}  // namespace

TEST_CASE("the slope of the log-SNR is its derivative, whether the schedule knows it or not", "[schedule]") {
    for (const double u : {0.003, 0.1, 0.5, 0.9, 0.995}) {
        check_slope(variance_preserving{}, u);
        check_slope(variance_preserving{.beta_min = 0.5, .beta_d = 3}, u);
        check_slope(rectified_flow{.time_scale = 1000}, u);
        check_slope(variance_exploding{}, u);
        CHECK(std::abs(log_snr_slope_at(log_snr_schedule{linear_log_snr{}}, u) + 18.3) < 1e-6);
    }
    for (const double sigma : {1e-5, 2.0, 80.0}) {
        CHECK(log_snr_slope_at(variance_exploding{}, sigma) == -2 / sigma);
        CHECK(std::abs(log_snr_slope_at(endless_levels{}, sigma) * sigma + 2) < 1e-6);
    }
}

// A member of the name counts, whether it can be called with a time or its address can be taken.
static_assert(detail::NamesLogSnrSlope<variance_exploding> && !detail::NamesLogSnrSlope<endless_levels>);
namespace {
struct slope_without_argument {
    double log_snr_slope() const;
};
struct overloaded_slope {
    double log_snr_slope(double) const;
    float log_snr_slope(float) const;
};
}  // namespace
static_assert(detail::NamesLogSnrSlope<slope_without_argument> && !detail::HasLogSnrSlope<slope_without_argument>);
static_assert(detail::NamesLogSnrSlope<overloaded_slope> && detail::HasLogSnrSlope<overloaded_slope>);

TEST_CASE("at the ends of the times the slope is taken from within", "[schedule]") {
    for (const double u : {0.0, 1e-9, 1 - 1e-9, 1.0}) {
        CHECK(std::abs(log_snr_slope_at(log_snr_schedule{linear_log_snr{}}, u) + 18.3) < 1e-6);
        const double first = std::atan(std::exp(-7.5)), last = std::atan(std::exp(7.5));
        const double exact = -4 * (last - first) / std::sin(2 * first);
        CHECK(std::abs(log_snr_slope_at(log_snr_schedule{cosine_log_snr{}}, u) / exact - 1) < 1e-2);
    }
    CHECK_FALSE(std::isfinite(log_snr_slope_at(rectified_flow{}, 0)));
    CHECK_FALSE(std::isfinite(log_snr_slope_at(rectified_flow{}, 1)));
    CHECK_THROWS_AS(log_snr_slope_at(rectified_flow{}, 1.5), value_error);
    CHECK_THROWS_AS(log_snr_slope_at(variance_exploding{}, -1), value_error);
    CHECK_THROWS_AS(log_snr_slope_at(log_snr_schedule{linear_log_snr{}}, 1.5), value_error);
}

}  // namespace ddpm::test
