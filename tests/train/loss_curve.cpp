// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/loss_curve.hpp>

#include "support/catch.hpp"

#include <cmath>

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

}  // namespace ddpm::test
