// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/zero_terminal_snr.hpp>

#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::test {
namespace {

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

}  // namespace

TEST_CASE("rescaled schedules have the published values", "[schedule]") {
    const noise_schedule linear{zero_terminal_snr(linear_beta{}, 1000), 1000};
    CHECK(near(linear.beta(0), 0.0001, 1e-11));
    CHECK(near(linear.beta(499), 0.0102710425495, 1e-11));
    CHECK(near(linear.beta(998), 0.75226723115, 1e-11));
    CHECK(linear.beta(999) == 1);
    CHECK(near(linear.alpha_bar(499), 0.0760287505471, 1e-11));
    CHECK(near(linear.alpha_bar(998), 4.21326246509e-09, 1e-9));
    CHECK(linear.alpha_bar(999) == 0);
    const noise_schedule scaled{zero_terminal_snr(scaled_linear_beta{}, 1000), 1000};
    CHECK(near(scaled.beta(0), 0.00085, 1e-11));
    CHECK(near(scaled.beta(998), 0.751137004177, 1e-11));
    CHECK(scaled.beta(999) == 1);
    CHECK(near(scaled.alpha_bar(998), 1.96788805662e-07, 1e-9));
}

TEST_CASE("rescaling keeps the first alpha_bar and ends in pure noise, in float as in double", "[schedule]") {
    for (const isize steps : {2, 3, 100}) {
        CAPTURE(steps);
        const noise_schedule plain{cosine_beta{}, steps};
        const noise_schedule rescaled{zero_terminal_snr(cosine_beta{}, steps), steps};
        CHECK(near(rescaled.alpha_bar(0), plain.alpha_bar(0), 1e-14));
        CHECK(rescaled.alpha_bar(steps - 1) == 0);
        CHECK(rescaled.beta(steps - 1) == 1);
        for (isize t = 0; t < steps; ++t) {
            CHECK(rescaled.alpha_bar(t) <= plain.alpha_bar(t) * (1 + 1e-14));
        }
    }
    const noise_schedule<float32_tables> rounded{zero_terminal_snr<float>(linear_beta{}, 1000), 1000};
    // diffusers; where ᾱ is nearly 0 a bit of it moves β far.
    CHECK(near(static_cast<double>(rounded.beta(0)), 0.000100016594, 1e-6));
    CHECK(near(static_cast<double>(rounded.beta(499)), 0.0102711916, 1e-6));
    CHECK(near(static_cast<double>(rounded.beta(998)), 0.75226593, 1e-6));
    CHECK(rounded.beta(999) == 1.0F);
}

TEST_CASE("rescaling twice is rescaling once", "[schedule]") {
    std::vector<double> once = zero_terminal_snr(linear_beta{}, 50).values;
    std::vector<double> twice = once;
    rescale_to_zero_terminal_snr(std::span<double>(twice));
    for (std::size_t t = 0; t < once.size(); ++t) {
        CHECK(near(twice[t], once[t], 1e-12));
    }
}

TEST_CASE("what does not fall cannot be rescaled", "[schedule]") {
    for (std::vector<double> betas : {std::vector<double>{0.1, 0.2, 0}, {0, 0}, {0.5, 0, 0.5}, {0.1, 2}, {0.1, -0.1}}) {
        CHECK_THROWS_AS(rescale_to_zero_terminal_snr(std::span<double>(betas)), value_error);
    }
}

TEST_CASE("one step is pure noise, no step an error", "[schedule]") {
    CHECK(zero_terminal_snr(linear_beta{}, 1).values == std::vector<double>{1});
    CHECK_THROWS_AS(zero_terminal_snr(linear_beta{}, 0), value_error);
    CHECK_THROWS_AS((noise_schedule{zero_terminal_snr(linear_beta{}, 10), 11}), value_error);
}

TEMPLATE_TEST_CASE("rescaling keeps its bound of roundings", "[schedule]", float, double) {
    using real = TestType;
    random_numbers random;
    for (int i = 0; i < 200; ++i) {
        const isize steps = 2 + static_cast<isize>(random.uniform(0, 300));
        const linear_beta beta{random.of_any_size(1e-4, 1e-2), random.of_any_size(1e-3, 0.5)};
        std::vector<real> betas;
        std::vector<long double> roots;
        long double product = 1;
        for (isize t = 0; t < steps; ++t) {
            betas.push_back(detail::beta_in<real>(beta, t, steps));
            product *= 1 - static_cast<long double>(betas.back());
            roots.push_back(std::sqrt(product));
        }
        const long double first = roots.front(), last = roots.back(), factor = first / (first - last);
        rescale_to_zero_terminal_snr(std::span<real>(betas));
        product = 1;
        for (std::size_t t = 0; t < betas.size(); ++t) {
            product *= 1 - static_cast<long double>(betas[t]);
            INFO("T = " << steps << ", t = " << t);
            CHECK(within(std::sqrt(product), (roots[t] - last) * factor,
                         roundings<real>(8 * static_cast<long double>(steps)) * factor));
        }
    }
}

}  // namespace ddpm::test
