// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/variance_preserving.hpp>

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/alpha_bar_curve.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <limits>

namespace ddpm::test {
namespace {

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

double ratio_at(double u) { return noise_ratio(variance_preserving{}.level(u)); }

}  // namespace

TEST_CASE("the continuous chain has the published noise ratios", "[schedule]") {
    CHECK(near(ratio_at(1e-3), 0.01048599279, 1e-9));
    CHECK(near(ratio_at(1e-5), 0.001000497627, 1e-9));
    CHECK(near(ratio_at(1), 152.1669703, 1e-9));
}

TEST_CASE("the continuous chain preserves the variance, and its noise rises from none", "[schedule]") {
    const variance_preserving schedule{};
    CHECK(schedule.level(0).signal == 1);
    CHECK(schedule.level(0).sigma == 0);
    double before = 0;
    for (int i = 1; i <= 100; ++i) {
        const auto [signal, sigma] = schedule.level(i / 100.0);
        CHECK(std::abs(signal * signal + sigma * sigma - 1) <= 1e-15);
        CHECK(sigma / signal > before);
        before = sigma / signal;
    }
}

TEST_CASE("time_of is the inverse of the noise ratio", "[schedule]") {
    for (const variance_preserving schedule :
         {variance_preserving{}, {.beta_min = 0.5, .beta_d = 0}, {.beta_min = 0}}) {
        for (const double u : {1e-12, 1e-5, 1e-3, 0.1, 0.5, 0.9, 1.0, 2.0}) {
            CAPTURE(u, schedule.beta_min, schedule.beta_d);
            CHECK(near(schedule.time_of(noise_ratio(schedule.level(u))), u, 1e-13));
        }
        CHECK(noise_ratio(schedule.level(schedule.time_of(1e200))) > 1e199);
    }
    CHECK(variance_preserving{}.time_of(0) == 0);
}

TEST_CASE("the discrete linear chain tends to the continuous one", "[schedule]") {
    const noise_schedule discrete{linear_beta{.start = 0.1 / 100000, .end = 20.0 / 100000}, 100000};
    for (const isize t : {9999, 49999, 99999}) {
        const double signal = variance_preserving{}.level(static_cast<double>(t + 1) / 100000).signal;
        CHECK(near(std::sqrt(discrete.alpha_bar(t)), signal, 2e-3));
    }
}

TEST_CASE("times and ratios outside the range are errors", "[schedule]") {
    const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {-1e-9, nan, infinity}) {
        CHECK_THROWS_AS(variance_preserving{}.level(bad), value_error);
        CHECK_THROWS_AS(variance_preserving{}.time_of(bad), value_error);
    }
}

TEST_CASE("the continuous chain keeps its bounds of roundings", "[schedule]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const variance_preserving schedule{
            .beta_min = random.of_any_size(1e-2, 1), .beta_d = random.of_any_size(0.1, 100), .time_scale = 999};
        const double u = i % 2 == 0 ? random.of_any_size(1e-9, 1) : random.uniform(0.1, 1);
        const long double x = u, beta_min = schedule.beta_min, beta_d = schedule.beta_d;
        const long double log_alpha = -x * (beta_d * x / 2 + beta_min) / 2, alpha = std::exp(log_alpha);
        const long double noise = -std::expm1(2 * log_alpha), sigma = std::sqrt(noise), beta = beta_d * x + beta_min;
        const auto rounded = [](double got, long double exact, long double count) {
            return within(got, exact, roundings<double>(count) * std::abs(exact));
        };
        INFO("u = " << u << ", beta_min " << schedule.beta_min << ", beta_d " << schedule.beta_d);
        CHECK(rounded(schedule.level(u).signal, alpha, 3 - 3 * log_alpha));
        CHECK(rounded(schedule.level(u).sigma, sigma, 4));
        CHECK(rounded(schedule.model_time(u), 999 * x, 1));
        CHECK(rounded(schedule.log_snr_slope(u), -beta / noise, 10));
        CHECK(rounded(schedule.level_slope(u).signal, -beta / 2 * alpha, 16 - 6 * log_alpha));
        CHECK(rounded(schedule.level_slope(u).sigma, beta / 2 * alpha * alpha / sigma, 16 - 6 * log_alpha));
        const double ratio = random.of_any_size(1e-9, 1e9);
        const long double decay = std::log1p(static_cast<long double>(ratio) * ratio);
        CHECK(rounded(schedule.time_of(ratio),
                      2 * decay / (beta_min + std::sqrt(beta_min * beta_min + 2 * beta_d * decay)), 20));
    }
}

}  // namespace ddpm::test
