// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/alpha_bar_curve.hpp>

#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

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

TEST_CASE("curves of alpha_bar keep their bounds of roundings", "[schedule]") {
    random_numbers random;
    const auto cosine = [](long double u) {
        const long double offset = cosine_alpha_bar{}.offset;
        return std::pow(std::cos((u + offset) / (1 + offset) * std::numbers::pi_v<long double> / 2), 2.0L);
    };
    for (int i = 0; i < 3000; ++i) {
        const double u = i % 3 == 0 ? random.of_any_size(1e-9, 1) : random.uniform(0, 1);
        INFO("u = " << u);
        CHECK(within(cosine_alpha_bar{}(u), cosine(u), roundings<double>(8)));
        const double start = random.uniform(-5, 0), end = random.uniform(1, 5), temperature = random.uniform(0.5, 2);
        const auto logistic = [&](long double x) { return 1 / (1 + std::exp(-x / temperature)); };
        const long double height = logistic(end) - logistic(start), m = std::max(-start, end) / temperature;
        const long double x = start + static_cast<long double>(u) * (static_cast<long double>(end) - start);
        CHECK(within(sigmoid_alpha_bar{start, end, temperature}(u), (logistic(end) - logistic(x)) / height,
                     roundings<double>(4 * m + 13) / height));
        const double rate = random.of_any_size(0.1, 100);
        const long double fall = std::exp(-static_cast<long double>(rate) * u);
        CHECK(within(exponential_alpha_bar{rate}(u), fall, roundings<double>(2 + rate) * fall));
        for (const double at : {u, 1 - u}) {
            const long double distance = 0.5L - at;
            const long double root = std::sqrt(1 - 2 * std::abs(distance) + 1e-6L);
            const long double snr = distance < 0 ? root : 1 / root;
            CHECK(within(laplace_alpha_bar{}(at), std::sqrt(snr / (1 + snr)), roundings<double>(200)));
        }
        const isize steps = 1 + static_cast<isize>(random.uniform(0, 1000));
        const isize t = static_cast<isize>(u * static_cast<double>(steps));
        const long double before = cosine(t / static_cast<long double>(steps)),
                          after = cosine((t + 1) / static_cast<long double>(steps));
        CHECK(within(alpha_bar_beta{cosine_alpha_bar{}, 1.0}(t, steps), 1 - after / before,
                     roundings<double>(1) + roundings<double>(16) / before));
    }
}

}  // namespace ddpm::test
