// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/noise_level.hpp>

#include "support/catch.hpp"

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

}  // namespace ddpm::test
