// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/loss_curve.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm::test {

TEST_CASE("a loss curve is the moving average of each part of its range, linear between their middles", "[train]") {
    loss_curve losses({.first = 0, .last = 4, .bins = 4, .decay = 0.5});
    CHECK_THROWS_AS(losses(1), value_error);
    losses.record(1.2, 3);
    CHECK(losses(0).value == 3);
    CHECK(losses(4).value == 3);
    CHECK(losses(4).slope == 0);
    losses.record(1.9, 6);  // (3/4 + 6/2) / (3/4)
    CHECK(std::abs(losses(1.5).value - 5) < 1e-14);
    losses.record(3.5, 1);
    losses.record(-7, 9);
    CHECK(std::abs(losses(2.5).value - 3) < 1e-14);  // nothing was measured there
    CHECK(std::abs(losses(2.5).slope + 2) < 1e-14);
    CHECK(std::abs(losses(1.0).value - 7) < 1e-14);
    CHECK(std::abs(losses(1.0).slope + 4) < 1e-14);
    CHECK(std::abs(losses(0.2).value - 9) < 1e-14);
    CHECK(std::abs(losses(3.9).value - 1) < 1e-14);
    for (const double value : {NAN, INFINITY}) {  // says nothing of the loss
        losses.record(3.9, value);
        losses.record(NAN, 1);
    }
    losses.record(INFINITY, 1);
    CHECK(std::abs(losses(3.9).value - 1) < 1e-14);
    CHECK(std::isnan(losses(NAN).value));
    CHECK_THROWS_AS(loss_curve({.first = 1, .last = 1}), value_error);
    CHECK_THROWS_AS(loss_curve({.first = 1, .last = INFINITY}), value_error);
    CHECK_THROWS_AS(loss_curve({.bins = 0}), value_error);
    CHECK_THROWS_AS(loss_curve({.decay = 1}), value_error);
}

TEST_CASE("a loss curve keeps its bounds of roundings", "[train]") {
    random_numbers random;
    for (const double decay : {0.0, 0.5, 0.99}) {
        const loss_curve_options o{.first = -13.3, .last = 5, .bins = 9, .decay = decay};
        const long double width = (static_cast<long double>(o.last) - o.first) / 9;
        loss_curve losses(o);
        std::vector<long double> sums(9), weights(9);
        long double largest = 0;
        for (int i = 0; i < 5000; ++i) {
            const isize bin = static_cast<isize>(random.uniform(0, 9));
            const double loss = random.uniform(-3, 3) + static_cast<double>(bin);
            if (bin == 3 || bin == 8) {
                continue;  // bins without losses
            }
            const long double middle = o.first + (static_cast<long double>(bin) + 0.5L) * width;
            losses.record(static_cast<double>(middle) + random.uniform(-0.9, 0.9), loss);
            const auto k = static_cast<std::size_t>(bin);
            sums[k] = decay * sums[k] + (1 - static_cast<long double>(decay)) * loss;
            weights[k] = decay * weights[k] + (1 - static_cast<long double>(decay));
            largest = std::max(largest, static_cast<long double>(std::abs(loss)));
        }
        const auto average = [&](isize bin) {
            return sums[static_cast<std::size_t>(bin)] / weights[static_cast<std::size_t>(bin)];
        };
        for (int i = 0; i < 2000; ++i) {
            const double gamma = random.uniform(-15, 6);
            const long double place = (gamma - static_cast<long double>(o.first)) / width - 0.5L;
            isize below = std::clamp<isize>(static_cast<isize>(std::floor(place)), -1, 7), above = below + 1;
            below -= below == 3 ? 1 : 0;
            above = above == 3 ? 4 : above == 8 ? 7 : above;
            below = std::clamp<isize>(below, 0, 7);
            const long double rise =
                above == below ? 0 : (average(above) - average(below)) / static_cast<long double>(above - below);
            const long double exact = average(below) + rise * (place - static_cast<long double>(below));
            const long double forgotten = 1 / (1 - static_cast<long double>(decay));
            const curve_point point = losses(gamma);
            INFO("decay " << decay << ", gamma " << gamma);
            CHECK(within(point.value, exact, roundings<double>(6 * forgotten + 10 * 9 + 20) * largest));
            if (std::abs(place - std::round(place)) > 1e-9L) {
                CHECK(within(point.slope, rise / width, roundings<double>(12 * forgotten + 16) * largest / width));
            }
        }
    }
}

}  // namespace ddpm::test
