// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/alpha_bar_curve.hpp>

#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"

#include <cmath>

namespace ddpm::test {
namespace {

static_assert(AlphaBarCurve<sigmoid_alpha_bar>);
static_assert(AlphaBarCurve<double (*)(double)>);
static_assert(!AlphaBarCurve<double>);
static_assert(BetaSchedule<alpha_bar_beta<laplace_alpha_bar>>);

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

struct golden_row {
    isize t;
    double beta, alpha_bar, posterior_variance, log_snr;
};

}  // namespace

TEST_CASE("the sigmoid curve has the published schedule", "[schedule]") {
    const noise_schedule schedule{alpha_bar_beta{sigmoid_alpha_bar{}}, 1000};
    for (const golden_row& row : {
             golden_row{0, 0.000300279199749, 0.9996997208, 0, 8.1104975},
             golden_row{1, 0.000302004119187, 0.999397807367, 0.000150592269323, 7.4143308},
             golden_row{500, 0.00331436423586, 0.498342817882, 0.00330341551363, -0.0066287527},
             golden_row{999, 0.999, 3.00279199749e-07, 0.998700320968, -15.018553},
         }) {
        CAPTURE(row.t);
        CHECK(near(schedule.beta(row.t), row.beta, 1e-10));
        CHECK(near(schedule.alpha_bar(row.t), row.alpha_bar, 1e-10));
        CHECK(near(schedule[row.t].posterior.variance, row.posterior_variance, 1e-10));
        CHECK(near(schedule[row.t].log_snr, row.log_snr, 6e-8));
    }
    isize capped = 0;
    for (const auto& entry : schedule.entries()) {
        capped += entry.beta == 0.999 ? 1 : 0;
    }
    CHECK(capped == 1);
}

TEST_CASE("the other curves are those of diffusers", "[schedule]") {
    // Doubles rounded to float once.
    const alpha_bar_beta exponential{exponential_alpha_bar{}};
    CHECK(static_cast<float>(exponential(0, 10)) == 0.698805809F);
    CHECK(static_cast<float>(exponential(9, 10)) == 0.698805809F);
    CHECK(static_cast<float>(exponential(500, 1000)) == 0.0119282873F);
    const alpha_bar_beta laplace{laplace_alpha_bar{}};
    CHECK(static_cast<float>(laplace(0, 1000)) == 0.0211537573F);
    CHECK(static_cast<float>(laplace(499, 1000)) == 0.000250156212F);
    CHECK(static_cast<float>(laplace(999, 1000)) == 0.847252607F);
    const alpha_bar_beta cosine{cosine_alpha_bar{}};
    for (const isize t : {0, 1, 500, 998, 999}) {
        CHECK(cosine(t, 1000) == cosine_beta{}(t, 1000));
    }
}

TEST_CASE("a schedule follows any curve of alpha_bar", "[schedule]") {
    const auto curve = [](double u) { return 3 * (1 - u * u); };  // a common factor does not matter
    const noise_schedule schedule{alpha_bar_beta{curve, 1.0}, 50};
    for (isize t = 0; t < 50; ++t) {
        const double u = static_cast<double>(t + 1) / 50;
        CHECK(std::abs(schedule.alpha_bar(t) - (1 - u * u)) <= 1e-15);
    }
    CHECK(schedule.beta(49) == 1);
    CHECK(alpha_bar_beta{curve}(49, 50) == 0.999);
    CHECK(alpha_bar_beta{curve, 0.25}(49, 50) == 0.25);
    // A curve that rises has no schedule.
    CHECK_THROWS_AS((noise_schedule{alpha_bar_beta{[](double u) { return 1 + u; }}, 5}), value_error);
}

TEST_CASE("curves fall from end to end", "[schedule]") {
    CHECK(sigmoid_alpha_bar{}(0) == 1);
    CHECK(sigmoid_alpha_bar{}(1) == 0);
    CHECK(near(sigmoid_alpha_bar{}(0.5), 0.5, 1e-15));
    CHECK(sigmoid_alpha_bar{.temperature = 0.5}(0.25) > sigmoid_alpha_bar{}(0.25));
    CHECK(sigmoid_alpha_bar{.start = 0}(0.25) < sigmoid_alpha_bar{}(0.25));
    CHECK(exponential_alpha_bar{.rate = 2}(0.5) == std::exp(-1.0));
    for (int i = 0; i < 100; ++i) {
        const double u = i / 100.0, next = (i + 1) / 100.0;
        CHECK(sigmoid_alpha_bar{}(next) < sigmoid_alpha_bar{}(u));
        CHECK(laplace_alpha_bar{}(next) < laplace_alpha_bar{}(u));
        CHECK(cosine_alpha_bar{}(next) < cosine_alpha_bar{}(u));
        CHECK(exponential_alpha_bar{}(next) < exponential_alpha_bar{}(u));
    }
}

}  // namespace ddpm::test
