// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/noise_level.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <limits>

namespace ddpm::test {
namespace {

constexpr double endless_ratio = std::numeric_limits<double>::infinity();

}  // namespace

TEMPLATE_TEST_CASE("the level of q(x_t|x_0) is the roots of alpha_bar and of what is left of 1", "[core]", float,
                   double) {
    using S = TestType;
    for (const S alpha_bar : {S(0), S(0.0625), S(0.25), S(0.64), S(1)}) {
        const noise_level<S> level = noise_level_of(alpha_bar);
        CHECK(level.signal == std::sqrt(alpha_bar));
        CHECK(level.sigma == std::sqrt(1 - alpha_bar));
    }
}

TEST_CASE("levels have a noise ratio and a log-SNR", "[core]") {
    const noise_level<double> level{0.6, 0.8};
    CHECK(std::abs(noise_ratio(level) - 4.0 / 3) < 1e-15);
    CHECK(std::abs(half_log_snr(level) + std::log(4.0 / 3)) < 1e-15);
    CHECK(noise_ratio({0, 1}) == endless_ratio);
    CHECK(noise_ratio({1, 0}) == 0);
    CHECK(half_log_snr({1, 0}) == endless_ratio);
    CHECK(half_log_snr({0, 1}) == -endless_ratio);
    // The quotient of these is beyond the largest number, its logarithm is not.
    CHECK(std::abs(half_log_snr({1e200, 1e-200}) - 400 * std::log(10.0)) < 1e-12);
}

TEST_CASE("a variance-preserving level has its noise ratio, and variance 1", "[core]") {
    const auto [signal, sigma] = variance_preserving_level(4.0 / 3);
    CHECK(std::abs(signal - 0.6) < 1e-15);
    CHECK(std::abs(sigma - 0.8) < 1e-15);
    for (const double ratio : {0.0, 1e-200, 1e-9, 0.3, 1.0, 80.0, 1e9, 1e153, 1e155, 1e200, 1e300}) {
        CAPTURE(ratio);
        const noise_level<double> level = variance_preserving_level(ratio);
        CHECK(std::abs(level.signal * level.signal + level.sigma * level.sigma - 1) < 1e-15);
        CHECK(std::abs(noise_ratio(level) - ratio) <= 1e-15 * ratio);
    }
    const noise_level<double> all_noise = variance_preserving_level(endless_ratio);
    CHECK(all_noise.signal == 0);
    CHECK(all_noise.sigma == 1);
}

TEMPLATE_TEST_CASE("the level of alpha_bar keeps its bounds of roundings", "[core]", float, double) {
    using S = TestType;
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const S small = static_cast<S>(random.of_any_size(1e-30, 0.5));
        for (const S alpha_bar : {small, S(1) - small, static_cast<S>(random.uniform(0, 1))}) {
            const noise_level<S> level = noise_level_of(alpha_bar);
            const long double exact = alpha_bar, signal = std::sqrt(exact), sigma = std::sqrt(1 - exact);
            CAPTURE(alpha_bar);
            CHECK(within(level.signal, signal, roundings<S>(1) * signal));
            CHECK(within(level.sigma, sigma, roundings<S>(2) * sigma));
        }
    }
}

TEST_CASE("noise ratios and log-SNRs keep their bounds of roundings", "[core]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const double far = i % 2 == 0 ? 1e-140 : 0.5;
        const noise_level<double> level{random.of_any_size(far, 1 / far), random.of_any_size(far, 1 / far)};
        const long double signal = level.signal, sigma = level.sigma;
        CAPTURE(level.signal, level.sigma);
        CHECK(within(noise_ratio(level), sigma / signal, roundings<double>(1) * (sigma / signal)));
        CHECK(within(half_log_snr(level), std::log(signal) - std::log(sigma),
                     roundings<double>(3) * (std::abs(std::log(signal)) + std::abs(std::log(sigma)))));
    }
}

TEST_CASE("a variance-preserving level keeps its bounds of roundings", "[core]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const double far = i % 2 == 0 ? 1e-307 : 0.01, ratio = random.of_any_size(far, 1 / far);
        const noise_level<double> level = variance_preserving_level(ratio);
        const long double exact = ratio, signal = 1 / std::sqrt(1 + exact * exact), sigma = exact * signal;
        CAPTURE(ratio);
        CHECK(within(level.signal, signal, roundings<double>(3) * signal));
        CHECK(within(level.sigma, sigma, roundings<double>(4) * sigma));
        CHECK(within(level.sigma / static_cast<long double>(level.signal), exact, roundings<double>(1) * exact));
    }
}

}  // namespace ddpm::test
