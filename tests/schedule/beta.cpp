// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/schedule/beta.hpp>

#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <type_traits>

namespace ddpm::test {
namespace {

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

}  // namespace

static_assert(BetaSchedule<linear_beta>);
static_assert(BetaSchedule<cosine_beta>);
static_assert(BetaSchedule<openai_linear_beta>);
static_assert(BetaSchedule<scaled_linear_beta>);
static_assert(BetaSchedule<warm_up_beta>);
static_assert(BetaSchedule<constant_beta>);
static_assert(BetaSchedule<jsd_beta>);
static_assert(BetaSchedule<sigmoid_beta>);
static_assert(BetaSchedule<beta_table>);
static_assert(BetaSchedule<double (*)(isize, isize)>);
static_assert(!BetaSchedule<double>);
static_assert(!BetaSchedule<double (*)(isize)>);
static_assert(!BetaSchedule<std::string (*)(isize, isize)>);

TEST_CASE("linear beta has its ends exactly and one increment between", "[schedule]") {
    const linear_beta beta{.start = 1e-4, .end = 0.02};
    CHECK(beta(0, 1000) == 1e-4);
    CHECK(beta(999, 1000) == 0.02);
    CHECK(std::abs(beta(500, 1000) - beta(499, 1000) - 0.0199 / 999) < 1e-17);
    CHECK(beta(0, 1) == 1e-4);
    CHECK(beta.operator()<float>(999, 1000) == 0.02F);
}

TEST_CASE("cosine beta follows its options", "[schedule]") {
    CHECK(cosine_beta{}(999, 1000) == 0.999);
    CHECK(cosine_beta{.cap = 0.5}(999, 1000) == 0.5);
    CHECK(cosine_beta{.offset = 0.1}(0, 1000) > cosine_beta{}(0, 1000));
}

TEST_CASE("the linear beta of OpenAI scales with 1000/T", "[schedule]") {
    CHECK(near(openai_linear_beta{}(99, 100), 0.2, 1e-15));
    CHECK(near(openai_linear_beta{}(49, 50), 0.4, 1e-15));
    CHECK(near(openai_linear_beta{}(0, 50), 2e-3, 1e-15));
    CHECK(openai_linear_beta{}(19, 20) == 1);
    for (const isize t : {0, 400, 999}) {
        CHECK(openai_linear_beta{}(t, 1000) == linear_beta{}(t, 1000));
    }
    CHECK(noise_schedule{openai_linear_beta{}, 20}.alpha_bar(19) == 0);
    CHECK_THROWS_AS((noise_schedule{openai_linear_beta{}, 19}), value_error);
}

TEST_CASE("the scaled linear schedule has the published values", "[schedule]") {
    struct row {
        isize t;
        double beta, alpha_bar, log_snr;
    };
    const noise_schedule schedule{scaled_linear_beta{}, 1000};
    for (const row& r : {row{0, 0.00085, 0.99915, 7.0694238}, row{499, 0.00480379298055, 0.277669650456, -0.95605048},
                         row{999, 0.012, 0.00466009851308, -5.3640477}}) {
        CAPTURE(r.t);
        CHECK(near(schedule.beta(r.t), r.beta, 1e-11));
        CHECK(near(schedule.alpha_bar(r.t), r.alpha_bar, 1e-11));
        CHECK(near(schedule[r.t].log_snr, r.log_snr, 6e-8));
    }
    // Each float rounded as torch rounds it.
    const noise_schedule<float32_tables> rounded{scaled_linear_beta{}, 1000};
    CHECK(rounded.beta(1) == 0.000854698592F);
    CHECK(rounded.beta(499) == 0.00480379257F);
    CHECK(rounded.alpha_bar(999) == 0.00466009509F);
}

TEST_CASE("warm-up rises linearly, then stays", "[schedule]") {
    const warm_up_beta tenth{};
    CHECK(tenth(0, 1000) == 1e-4);
    CHECK(near(tenth(50, 1000), 1e-4 + 50 * (0.02 - 1e-4) / 99, 1e-14));
    CHECK(tenth(99, 1000) == 0.02);
    CHECK(tenth(100, 1000) == 0.02);
    CHECK(tenth(999, 1000) == 0.02);
    CHECK(warm_up_beta{.fraction = 0.5}(499, 1000) == 0.02);
    CHECK(warm_up_beta{.fraction = 0.5}(498, 1000) < 0.02);
    CHECK(warm_up_beta{.fraction = 0}(0, 1000) == 0.02);
    CHECK(warm_up_beta{.fraction = 0.1}(0, 10) == 1e-4);
    CHECK(warm_up_beta{.fraction = 0.1}(1, 10) == 0.02);
    for (isize t = 0; t < 50; ++t) {
        CHECK(warm_up_beta{.fraction = 1}(t, 50) == linear_beta{}(t, 50));
    }
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double fraction : {-0.1, 1.1, nan}) {
        CHECK_THROWS_AS((warm_up_beta{.fraction = fraction}(0, 10)), value_error);
    }
}

TEST_CASE("constant beta makes a geometric chain, jsd beta a linear one", "[schedule]") {
    const noise_schedule constant{constant_beta{.value = 0.25}, 10};
    const noise_schedule jsd{jsd_beta{}, 10};
    for (isize t = 0; t < 10; ++t) {
        CHECK(near(constant.alpha_bar(t), std::pow(0.75, static_cast<double>(t + 1)), 1e-14));
        CHECK(std::abs(jsd.alpha_bar(t) - static_cast<double>(9 - t) / 10) <= 1e-15);
    }
    CHECK(jsd.beta(0) == 0.1);
    CHECK(jsd.beta(9) == 1);
    CHECK(jsd.alpha_bar(9) == 0);
    CHECK(constant_beta{}(3, 10) == 0.02);
}

TEST_CASE("sigmoid beta is a logistic curve between its ends", "[schedule]") {
    // diffusers, in float: the exponential differs by a unit in the last place.
    CHECK(near(sigmoid_beta{}(0, 1000), 0.000149205196, 3e-7));
    CHECK(near(sigmoid_beta{}(499, 1000), 0.010020121, 3e-7));
    CHECK(near(sigmoid_beta{}(999, 1000), 0.0199507959, 3e-7));
    CHECK(near(sigmoid_beta{}.operator()<float>(0, 1000), 0.000149205196, 3e-7));
    CHECK(near(sigmoid_beta{}(3, 7), (1e-4 + 0.02) / 2, 1e-15));
    CHECK(near(sigmoid_beta{.range = 40}(99, 100), 0.02, 1e-15));
    const sigmoid_beta beta{.start = 0.1, .end = 0.5};
    for (isize t = 0; t < 20; ++t) {
        CHECK(near(beta(t, 20) + beta(19 - t, 20), 0.6, 1e-14));
    }
}

TEST_CASE("a table refuses another number of steps", "[schedule]") {
    CHECK(beta_table{{0.1, 0.2}}(1, 2) == 0.2);
    CHECK_THROWS_AS((beta_table{{0.1, 0.2}}(0, 3)), value_error);
}

TEMPLATE_TEST_CASE("betas keep their bounds of roundings", "[schedule]", float, double) {
    using real = TestType;
    random_numbers random;
    const auto line = [](long double start, long double end, isize t, isize steps) {
        return start + (end - start) * static_cast<long double>(t) / static_cast<long double>(steps - 1);
    };
    for (int i = 0; i < 2000; ++i) {
        const isize steps = 2 + static_cast<isize>(random.uniform(0, 2000));
        const isize t = static_cast<isize>(random.uniform(0, static_cast<double>(steps)));
        const double start = random.of_any_size(1e-6, 0.5), end = random.of_any_size(1e-6, 0.5);
        const long double larger = std::max(start, end);
        INFO(t << " of " << steps << " from " << start << " to " << end);
        for (const double sign : {-1.0, 1.0}) {
            CHECK(within(linear_beta{sign * start, end}.template operator()<real>(t, steps),
                         line(sign * start, end, t, steps), roundings<real>(6) * larger));
        }
        const long double root =
            line(std::sqrt(static_cast<long double>(start)), std::sqrt(static_cast<long double>(end)), t, steps);
        CHECK(within(scaled_linear_beta{start, end}.template operator()<real>(t, steps), root * root,
                     roundings<real>(16) * larger));
        const double range = random.uniform(0.1, 20);
        const long double part = 1 / (1 + std::exp(-line(-range, range, t, steps)));
        CHECK(within(sigmoid_beta{start, end, range}.template operator()<real>(t, steps),
                     start + part * (static_cast<long double>(end) - start),
                     roundings<real>(8 + 2 * range) * (static_cast<long double>(start) + end)));
        if constexpr (std::is_same_v<real, double>) {
            const long double scale = 1000 / static_cast<long double>(steps);
            CHECK(within(openai_linear_beta{start, end}(t, steps), scale * line(start, end, t, steps),
                         roundings<double>(8) * scale * larger));
            CHECK(within(warm_up_beta{start, end, 1}(t, steps), line(start, end, t, steps),
                         roundings<double>(6) * larger));
            CHECK(within(jsd_beta{}(t, steps), 1 / static_cast<long double>(steps - t), roundings<double>(1)));
            const auto alpha_bar = [&](isize at) {
                const long double offset = cosine_beta{}.offset, u = at / static_cast<long double>(steps);
                const long double cosine = std::cos((u + offset) / (1 + offset) * std::numbers::pi_v<long double> / 2);
                return cosine * cosine;
            };
            const long double beta = std::min(1 - alpha_bar(t + 1) / alpha_bar(t), 0.999L);
            CHECK(within(cosine_beta{}(t, steps), beta, 1e-18L + roundings<double>(18) / alpha_bar(t)));
        }
    }
    CHECK(constant_beta{0.3}(1, 2) == 0.3);
}

}  // namespace ddpm::test
