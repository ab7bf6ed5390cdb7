// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/activation.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace ddpm::test {

TEMPLATE_TEST_CASE("silu gives what torch gives", "[nn]", float, double) {
    using S = TestType;
    const double relative = std::is_same_v<S, float> ? 5e-7 : 1e-14,
                 absolute = std::is_same_v<S, float> ? 1e-35 : 1e-300;
    constexpr std::array points{-100., -20., -5., -1.25, -0.5, 0., 0.5, 1.25, 5., 20., 100.};
    constexpr std::array values{-3.720075976020836e-42,
                                -4.122307236380407e-08,
                                -0.03346425462142428,
                                -0.27837517353163604,
                                -0.1887703343990727,
                                0.0,
                                0.3112296656009273,
                                0.9716248264683639,
                                4.966535745378576,
                                19.999999958776925,
                                100.0};
    constexpr std::array slopes{-3.682875216260627e-42,
                                -3.9161918660646786e-08,
                                -0.026547432429665917,
                                0.00631915508468757,
                                0.2600388126973482,
                                0.5,
                                0.7399611873026519,
                                0.9936808449153124,
                                1.0265474324296655,
                                1.0000000391619202,
                                1.0};
    batch<S> x(11, 1), y(11, 1), dx(11, 1);
    for (ddpm::isize i = 0; i < 11; ++i) {
        x(i, 0) = static_cast<S>(points[static_cast<std::size_t>(i)]);
    }
    const batch<S> dy = batch<S>::Ones(11, 1);
    nn::activate<nn::activation::silu, S>(x, y);
    nn::activate_backward<nn::activation::silu, S>(x, dy, dx);
    for (ddpm::isize i = 0; i < 11; ++i) {
        const double value = values[static_cast<std::size_t>(i)], slope = slopes[static_cast<std::size_t>(i)];
        CHECK(std::abs(static_cast<double>(y(i, 0)) - value) <= relative * std::abs(value) + absolute);
        // The slope crosses zero near x = -1.28, where 1 + x (1 - s) cancels.
        CHECK(std::abs(static_cast<double>(dx(i, 0)) - slope) <=
              relative * std::max(std::abs(slope), i == 3 ? 1 : 0.) + absolute);
    }
}

TEMPLATE_TEST_CASE("silu is accurate everywhere", "[nn]", float, double) {
    using S = TestType;
    const double relative = std::is_same_v<S, float> ? 5e-7 : 2e-15;
    batch<S> x(4001, 1), y(4001, 1);
    for (ddpm::isize i = 0; i < 4001; ++i) {
        x(i, 0) = static_cast<S>(static_cast<double>(i - 2000) * 0.0431);
    }
    nn::activate<nn::activation::silu, S>(x, y);
    double worst = 0;
    for (ddpm::isize i = 0; i < 4001; ++i) {
        const long double at = x(i, 0), exact = at / (1 + std::exp(-at));
        worst = std::max(worst, static_cast<double>(std::abs(y(i, 0) - exact) / std::max(std::abs(exact), 1e-300L)));
    }
    CHECK(worst <= relative);
}

TEMPLATE_TEST_CASE("silu keeps what is not finite", "[nn]", float, double) {
    using S = TestType;
    batch<S> x(3, 1), y(3, 1);
    x << std::numeric_limits<S>::infinity(), std::numeric_limits<S>::quiet_NaN(), std::numeric_limits<S>::lowest();
    nn::activate<nn::activation::silu, S>(x, y);
    CHECK(y(0, 0) == std::numeric_limits<S>::infinity());
    CHECK(std::isnan(y(1, 0)));
    CHECK(y(2, 0) == 0);
}

TEST_CASE("the gradient of silu is the central difference", "[nn]") {
    batch<double> x = 3 * random_batch(13, 5, 1), y(13, 5), dx(13, 5);
    const batch<double> dy = random_batch(13, 5, 2);
    const auto loss = [&] {
        nn::activate<nn::activation::silu, double>(x, y);
        return (y * dy).sum();
    };
    nn::activate_backward<nn::activation::silu, double>(x, dy, dx);
    CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-6);
}

TEST_CASE("silu works in place and on strided batches", "[nn]") {
    const batch<float> x = random_batch<float>(21, 6, 1);
    batch<float> y(21, 6), memory = batch<float>::Zero(30, 6);
    nn::activate<nn::activation::silu, float>(x, y);
    memory.topRows(21) = x;
    nn::activate<nn::activation::silu, float>(memory.topRows(21), memory.topRows(21));
    CHECK((memory.topRows(21) == y).all());
    CHECK((memory.bottomRows(9) == 0).all());
    CHECK_THROWS_AS((nn::activate<nn::activation::silu, float>(x, memory)), shape_error);
    CHECK_THROWS_AS((nn::activate_backward<nn::activation::silu, float>(x, memory, y)), shape_error);
    CHECK_THROWS_AS((nn::activate_backward<nn::activation::silu, float>(x, y, memory)), shape_error);
}

}  // namespace ddpm::test
