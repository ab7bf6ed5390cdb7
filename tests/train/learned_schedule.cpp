// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/learned_schedule.hpp>

#include <ddpm/train/monotone_curve.hpp>
#include <ddpm/train/monotone_network.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"

#include <cmath>

namespace ddpm::test {

static_assert(InvertibleSchedule<learned_schedule<monotone_line<float>>>);

TEST_CASE("a learned schedule is a continuous schedule", "[train]") {
    fixed_ends<monotone_network<double>> gamma(monotone_network<double>({.features = 64}), -6, 6);
    disturb(gamma, 1, 3);
    const learned_schedule schedule(gamma);
    for (const double u : {0.0, 0.2, 0.5, 0.99, 1.0}) {
        const noise_level<double> level = schedule.level(u);
        CHECK(std::abs(level.signal * level.signal + level.sigma * level.sigma - 1) < 1e-14);
        CHECK(std::abs(2 * std::log(level.sigma / level.signal) - gamma(u).value) < 1e-12);
        CHECK(schedule.model_time(u) == -gamma(u).value);
        CHECK(model_time_at(schedule, u) == -gamma(u).value);
        CHECK(schedule.log_snr_slope(u) == -gamma(u).slope);
        const noise_level<double> slope = schedule.level_slope(u);
        CHECK(std::abs(slope.signal * level.signal + slope.sigma * level.sigma) < 1e-13 * std::abs(gamma(u).slope));
        CHECK(std::abs(2 * (slope.sigma / level.sigma - slope.signal / level.signal) / gamma(u).slope - 1) < 1e-12);
        CHECK(std::abs(schedule.time_of(level.sigma / level.signal) - u) < 1e-12);
    }
    CHECK(schedule.time_of(0) == 0);
    CHECK(schedule.time_of(HUGE_VAL) == 1);
    CHECK_THROWS_AS(schedule.level(-0.01), value_error);
    CHECK_THROWS_AS(schedule.model_time(1.01), value_error);
    CHECK_THROWS_AS(schedule.log_snr_slope(1.01), value_error);
    CHECK_THROWS_AS(schedule.level_slope(1.01), value_error);
    CHECK_THROWS_AS(schedule.time_of(-1), value_error);
    const learned_schedule<monotone_line<double>> line(monotone_line<double>(-13.3, 5));
    const noise_level<double> first = line.level(0), last = line.level(1);
    CHECK(std::abs(first.sigma * first.sigma - 1.674490406e-06) < 1e-15);
    CHECK(std::abs(last.sigma * last.sigma - 0.9933071491) < 1e-10);
}

TEST_CASE("a learned schedule keeps its bounds of roundings", "[train]") {
    fixed_ends<monotone_network<double>> gamma(monotone_network<double>({.features = 64}), -14, 6);
    disturb(gamma, 1, 3);
    const learned_schedule schedule(gamma);
    random_numbers random;
    for (int i = 0; i < 300; ++i) {
        const double u = random.uniform(0, 1);
        const curve_point point = schedule.gamma(u);
        const noise_level<double> level = schedule.level(u), slope = schedule.level_slope(u);
        CAPTURE(u);
        CHECK(schedule.model_time(u) == -point.value);
        CHECK(schedule.log_snr_slope(u) == -point.slope);
        CHECK(level.signal == level_of_log_snr(-point.value).signal);
        CHECK(level.sigma == level_of_log_snr(-point.value).sigma);
        const long double alpha = 1 / std::sqrt(1 + std::exp(static_cast<long double>(point.value))),
                          sigma = 1 / std::sqrt(1 + std::exp(-static_cast<long double>(point.value)));
        const long double alpha_slope = -point.slope * alpha * sigma * sigma / 2,
                          sigma_slope = point.slope * sigma * alpha * alpha / 2;
        CHECK(within(slope.signal, alpha_slope, roundings<double>(17) * std::abs(alpha_slope)));
        CHECK(within(slope.sigma, sigma_slope, roundings<double>(17) * std::abs(sigma_slope)));
        const double ratio = random.of_any_size(2e-3, 10), found = schedule.time_of(ratio);
        CHECK(schedule.gamma(found).value >= 2 * std::log(ratio));
        CHECK(schedule.gamma(std::nextafter(found, 0)).value < 2 * std::log(ratio));
    }
}

}  // namespace ddpm::test
