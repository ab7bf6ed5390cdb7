// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/autoguidance.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

namespace ddpm::test {

TEST_CASE("autoguidance goes away from the weak network", "[predictor]") {
    const auto net = [](double, isize i, isize) { return static_cast<double>(i); };
    const auto weak = [](double, isize i, isize) { return static_cast<double>(2 * i); };
    const batch<double> x = batch<double>::Zero(4, 2);
    const auto p = autoguided(counted<double>(net), counted<double>(weak), 3);
    static_assert(PredictorLike<decltype(p), double>);
    const batch<double> got = evaluate<double>(p, x, {0, 5});
    for (isize i = 0; i < 4; ++i) {
        CHECK((got.row(i) == static_cast<double>(-i)).all());  // 2i + 3 (i − 2i)
    }
    int calls = 0;
    const auto within =
        autoguided(counted<double>(net), counted<double>(weak, &calls), {.scale = 3, .interval = {.from = 1}});
    const batch<double> half = evaluate<double>(within, x, {0, 5});
    CHECK(calls == 1);
    CHECK((half.col(0) == -got.col(0)).all());
    CHECK((half.col(1) == got.col(1)).all());
    CHECK_THROWS_AS(autoguided(session_archetype<double>{}, predictor_archetype<double>{}, 2), value_error);
}

}  // namespace ddpm::test
