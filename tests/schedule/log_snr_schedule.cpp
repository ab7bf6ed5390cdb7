// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/log_snr_schedule.hpp>

#include <ddpm/grid/time_grid.hpp>
#include <ddpm/schedule/alpha_bar_curve.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace ddpm::test {
namespace {

static_assert(LogSnrCurve<double (*)(double)>);
static_assert(LogSnrCurve<interpolated_log_snr<cosine_log_snr>>);
static_assert(!LogSnrCurve<double>);

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

template <class Curve>
void check_falls(const Curve& curve) {
    for (int i = 0; i < 100; ++i) {
        CHECK(curve((i + 1) / 100.0) < curve(i / 100.0));
    }
}

}  // namespace

TEST_CASE("curves of the log-SNR have the published values", "[schedule]") {
    const beta_linear_log_snr beta_linear{};
    CHECK(near(beta_linear(0), 9.210290371559516, 1e-13));
    CHECK(near(beta_linear(0.5), -2.4144584583198525, 1e-13));
    CHECK(near(beta_linear(1), -10.000054603579601, 1e-13));
    const alpha_cosine_log_snr alpha_cosine{};
    CHECK(near(alpha_cosine(0), 8.769294788200295, 1e-12));
    CHECK(near(alpha_cosine(0.5), -0.024933920896264044, 1e-12));
    CHECK(near(alpha_cosine(0.999), -12.928279867755029, 1e-12));
    const cosine_log_snr cosine{};
    CHECK(near(cosine(0), 15, 1e-14));
    CHECK(near(cosine(0.25), 1.7611832477357736, 1e-14));
    CHECK(std::abs(cosine(0.5)) <= 1e-14);
    CHECK(near(cosine(1), -15, 1e-13));
}

TEST_CASE("levels of the log-SNR are logistic", "[schedule]") {
    // VDM: γ = −log-SNR.
    const log_snr_schedule vdm{linear_log_snr{}};
    const double first = vdm.level(0).sigma, last = vdm.level(1).sigma;
    CHECK(near(first * first, 1.674490406e-06, 1e-9));
    CHECK(near(last * last, 0.9933071491, 1e-9));
    for (const double log_snr : {-80.0, -15.0, -1.0, 0.0, 3.0, 15.0, 80.0}) {
        const auto [signal, sigma] = level_of_log_snr(log_snr);
        CHECK(std::abs(signal * signal + sigma * sigma - 1) <= 1e-15);
        CHECK(std::abs(2 * half_log_snr({signal, sigma}) - log_snr) <= 1e-13 * (1 + std::abs(log_snr)));
    }
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK(level_of_log_snr(infinity).signal == 1);
    CHECK(level_of_log_snr(infinity).sigma == 0);
    CHECK(level_of_log_snr(-infinity).signal == 0);
    CHECK(level_of_log_snr(-infinity).sigma == 1);
}

TEST_CASE("every curve falls and stays finite", "[schedule]") {
    check_falls(linear_log_snr{});
    check_falls(beta_linear_log_snr{});
    check_falls(alpha_cosine_log_snr{});
    check_falls(cosine_log_snr{});
    check_falls(shifted_log_snr{cosine_log_snr{}, 64, 32});
    check_falls(interpolated_log_snr{cosine_log_snr{}, 64, 32, 48});
    CHECK(std::isfinite(alpha_cosine_log_snr{}(1)));
    // Without its offset the curve has no noise at 0; it is clamped.
    CHECK(near(alpha_cosine_log_snr{.offset = 0}(0), -std::log(1e-5), 1e-14));
    CHECK(near(cosine_log_snr{.lowest = -10, .highest = 12}(0), 12, 1e-13));
    CHECK(near(cosine_log_snr{.lowest = -10, .highest = 12}(1), -10, 1e-13));
}

TEST_CASE("the cosine curve is that of alpha_bar", "[schedule]") {
    for (const double u : {0.0, 0.3, 0.7, 0.99}) {
        const double signal = log_snr_schedule{alpha_cosine_log_snr{}}.level(u).signal;
        CHECK(near(signal * signal, cosine_alpha_bar{}(u), 1e-12));
    }
}

TEST_CASE("shifts move a curve by the ratio of the sides", "[schedule]") {
    const shifted_log_snr shifted{cosine_log_snr{}, 128, 32};
    const interpolated_log_snr between{cosine_log_snr{}, 128, 32, 64};
    for (const double u : {0.0, 0.3, 1.0}) {
        CHECK(near(shifted(u), cosine_log_snr{}(u)-2 * std::log(4.0), 1e-14));
        CHECK(near(between(u), cosine_log_snr{}(u)-2 * std::log(2.0) * (1 + u), 1e-13));
        CHECK((shifted_log_snr{cosine_log_snr{}, 64, 64}(u)) == cosine_log_snr{}(u));
    }
    CHECK_THROWS_AS((shifted_log_snr{cosine_log_snr{}, 0, 32}(0.5)), value_error);
    CHECK_THROWS_AS((shifted_log_snr{cosine_log_snr{}, 64, -32}(0.5)), value_error);
    CHECK_THROWS_AS((interpolated_log_snr{cosine_log_snr{}, 64, 0, 32}(0.5)), value_error);
    CHECK_THROWS_AS((interpolated_log_snr{cosine_log_snr{}, 64, 32, 0}(0.5)), value_error);
}

TEST_CASE("any callable is a curve, and the network is told its value", "[schedule]") {
    const log_snr_schedule schedule{[](double u) { return 4 - 8 * u; }};
    CHECK(schedule.model_time(0.25) == 2);
    CHECK(near(2 * half_log_snr(schedule.level(0.25)), 2, 1e-14));
    CHECK_THROWS_AS(schedule.level(-0.1), value_error);
    CHECK_THROWS_AS(schedule.level(1.1), value_error);
    CHECK_THROWS_AS(schedule.model_time(std::numeric_limits<double>::quiet_NaN()), value_error);
}

TEST_CASE("curves of the log-SNR keep their bounds of roundings", "[schedule]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const double u = i % 3 == 0 ? random.of_any_size(1e-9, 1) : random.uniform(0, 1);
        const long double x = u, half_turn = std::numbers::pi_v<long double> / 2;
        INFO("u = " << u);
        const double first = random.uniform(-20, 20), last = random.uniform(-20, 20);
        CHECK(within(linear_log_snr{first, last}(u), first + x * (static_cast<long double>(last) - first),
                     roundings<double>(6) * std::max(std::abs(first), std::abs(last))));
        CHECK(within(beta_linear_log_snr{}(u), -std::log(std::expm1(1e-4L + 10 * x * x)), roundings<double>(60)));
        const long double offset = alpha_cosine_log_snr{}.offset;
        for (const double at : {u, 1 - u}) {
            const long double ratio = std::tan((at + offset) / (1 + offset) * half_turn);
            const long double exact = -std::log(std::max(ratio * ratio, 1e-5L));
            CHECK(within(alpha_cosine_log_snr{}(at), exact, roundings<double>(40) * std::cosh(exact / 2)));
        }
        const double lowest = random.uniform(-25, -1), highest = random.uniform(1, 25);
        const long double low = std::atan(std::exp(-static_cast<long double>(highest) / 2)),
                          high = std::atan(std::exp(-static_cast<long double>(lowest) / 2));
        const long double cosine = -2 * std::log(std::tan(low + x * (high - low)));
        CHECK(within(cosine_log_snr{lowest, highest}(u), cosine, roundings<double>(40) * std::cosh(cosine / 2)));

        const double image = random.of_any_size(1, 1e3), small = random.of_any_size(1, 1e3),
                     large = random.of_any_size(1, 1e3);
        const linear_log_snr curve{first, last};
        const long double value = curve(u), shift = 2 * std::log(static_cast<long double>(small) / image),
                          other = 2 * std::log(static_cast<long double>(large) / image);
        const shifted_log_snr shifted{curve, image, small};
        CHECK(within(shifted.shift(image, small), shift, roundings<double>(2) * (1 + std::abs(shift))));
        CHECK(within(shifted(u), value + shift, roundings<double>(4) * (1 + std::abs(value) + std::abs(shift))));
        const interpolated_log_snr between{curve, image, small, large};
        CHECK(within(between(u), value + x * shift + (1 - x) * other,
                     roundings<double>(6) * (1 + std::abs(value) + std::max(std::abs(shift), std::abs(other)))));
    }
}

TEST_CASE("levels of the log-SNR and their slopes keep their bounds of roundings", "[schedule]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const double log_snr = random.uniform(-100, 100);
        const long double alpha = 1 / std::sqrt(1 + std::exp(-static_cast<long double>(log_snr))),
                          sigma = 1 / std::sqrt(1 + std::exp(static_cast<long double>(log_snr)));
        const auto near = [](double got, long double exact, double count) {
            return within(got, exact, roundings<double>(count) * std::abs(exact));
        };
        INFO("log-SNR " << log_snr);
        CHECK(near(level_of_log_snr(log_snr).signal, alpha, 4));
        CHECK(near(level_of_log_snr(log_snr).sigma, sigma, 4));
        CHECK(near(level_slope_of_log_snr(log_snr).signal, alpha * sigma * sigma / 2, 16));
        CHECK(near(level_slope_of_log_snr(log_snr).sigma, -sigma * alpha * alpha / 2, 16));
        const log_snr_schedule schedule{[=](double) { return log_snr; }};
        CHECK(schedule.model_time(0.5) == log_snr);
        CHECK(schedule.level(0.5).signal == level_of_log_snr(log_snr).signal);
        CHECK(schedule.level(0.5).sigma == level_of_log_snr(log_snr).sigma);
    }
}

}  // namespace ddpm::test
