// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/train/ema.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <cstdint>
#include <utility>

namespace ddpm::test {

TEST_CASE("the decay of the average warms up as diffusers' does", "[train]") {
    struct row {
        ddpm::isize step;
        double rational, three_quarters, two_thirds;
    };
    const row rows[]{{1, 0, 0, 0},
                     {2, 0.181818182, 0.405396442, 0.370039475},
                     {10, 0.526315789, 0.822172059, 0.784556531},
                     {100, 0.917431193, 0.968377223, 0.953584112},
                     {1000, 0.991080278, 0.994376587, 0.990000000},
                     {10000, 0.999100809, 0.999000000, 0.997845565},
                     {100000, 0.999900000, 0.999822172, 0.999535841}};
    for (const row& r : rows) {
        CHECK(std::abs(ema_decay({}, r.step) - r.rational) <= 6e-10);
        CHECK(std::abs(ema_decay({.warm_up = ema_warm_up::power, .power = 0.75}, r.step) - r.three_quarters) <= 6e-10);
        CHECK(std::abs(ema_decay({.warm_up = ema_warm_up::power}, r.step) - r.two_thirds) <= 6e-10);
    }
    CHECK(ema_decay({.decay = 0.5, .warm_up = ema_warm_up::none}, 2) == 0.5);
    CHECK(ema_decay({.decay = 0.5, .min_decay = 0.4}, 2) == 0.4);
    CHECK(ema_decay({.update_after_step = 5}, 6) == 0);
    CHECK(ema_decay({.update_after_step = 5}, 7) == ema_decay({}, 2));
}

TEMPLATE_TEST_CASE("the average follows the network", "[train]", float, double) {
    using S = TestType;
    nn::dense<S> net(2, 2);
    disturb(net, 1, 1);
    const nn::dense<S> begin = net;
    ema<nn::dense<S>> average(net);
    disturb(net, 1, 2);
    const nn::dense<S> first = net;
    average.update(nn::parameters(net));  // decay 0
    disturb(net, 1, 3);
    average.update(nn::parameters(net));  // decay 2/11
    CHECK(average.steps() == 2);
    const double tolerance = std::is_same_v<S, float> ? 1e-6 : 1e-14;
    for (ddpm::isize i = 0; i < 4; ++i) {
        const double expected =
            2.0 / 11 * static_cast<double>(first.weight[i]) + 9.0 / 11 * static_cast<double>(net.weight[i]);
        CHECK(std::abs(static_cast<double>(average.average().weight[i]) - expected) <= tolerance);
        CHECK(begin.weight[i] != average.average().weight[i]);
    }
    ema<nn::dense<S>> moved = std::move(average);
    moved.update(nn::parameters(net));
    CHECK(moved.parameters()[0].values.data() == moved.average().weight.data());
}

TEST_CASE("ema refuses what does not fit", "[train]") {
    nn::dense<float> net(2, 2), other(3, 2);
    using average = ema<nn::dense<float>>;
    CHECK_THROWS_AS((average(net, {.decay = 1.5})), value_error);
    CHECK_THROWS_AS((average(net, {.decay = 0.5, .min_decay = 0.6})), value_error);
    CHECK_THROWS_AS((average(net, {.min_decay = -0.1})), value_error);
    CHECK_THROWS_AS((average(net, {.decay = NAN})), value_error);
    CHECK_THROWS_AS((average(net, {.inverse_gamma = 0})), value_error);
    CHECK_THROWS_AS((average(net, {.power = -1})), value_error);
    CHECK_THROWS_AS((average(net, {.update_after_step = -1})), value_error);
    average fits(net);
    CHECK_THROWS_AS(fits.update(nn::parameters(other)), shape_error);
    CHECK(fits.steps() == 0);
}

TEST_CASE("the decay of the average keeps its bounds of roundings", "[train]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const isize step = 2 + static_cast<isize>(random.of_any_size(1, 1e9));
        const long double s = static_cast<long double>(step - 1), rational = (1 + s) / (10 + s);
        CHECK(within(ema_decay({.decay = 1}, step), rational, roundings<double>(1) * rational));
        const ema_options power{.decay = 1,
                                .warm_up = ema_warm_up::power,
                                .inverse_gamma = random.of_any_size(0.01, 1e3),
                                .power = random.of_any_size(0.01, 10)};
        CHECK(within(ema_decay(power, step),
                     1 - std::pow(1 + s / power.inverse_gamma, -static_cast<long double>(power.power)),
                     roundings<double>(2 * power.power + 3)));
    }
}

TEMPLATE_TEST_CASE("the average keeps its bound of roundings on every target", "[train]", float, double) {
    using S = TestType;
    for_each_target([] {
        nn::dense<S> net(13, 21);
        disturb(net, 1, 1);
        ema<nn::dense<S>> average(net);
        for (int step = 1; step < 6; ++step) {
            const nn::dense<S> before = average.average();
            disturb(net, 1, static_cast<std::uint64_t>(step + 1));
            average.update(nn::parameters(net));
            const long double decay = ema_decay({}, step);
            bool right = true;
            for (ddpm::isize i = 0; i < net.weight.size(); ++i) {
                const long double old = before.weight[i], towards = (1 - decay) * net.weight[i];
                right = right && within(average.average().weight[i], decay * old + towards,
                                        roundings<S>(6) * (std::abs(old) + std::abs(towards)));
            }
            CHECK(right);
        }
    });
}

}  // namespace ddpm::test
