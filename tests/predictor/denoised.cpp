// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/denoised.hpp>

#include "support/catch.hpp"
#include "support/predictions.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the pair recovers x0 and eps from every prediction", "[predictor]", float, double) {
    using S = TestType;
    const batch<S> x0 = pattern<S>(5, 3, 1);
    const batch<S> eps = pattern<S>(5, 3, 2);
    const noise_level<double> level = noise_level_of(0.4);
    const auto [alpha, sigma] = level;
    const batch<S> xt = static_cast<S>(alpha) * x0 + static_cast<S>(sigma) * eps;
    const batch<S> truth[] = {eps, x0, static_cast<S>(alpha) * eps - static_cast<S>(sigma) * x0,
                              -eps / static_cast<S>(sigma)};
    batch<S> got_x0(5, 3);
    batch<S> got_eps(5, 3);
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v, prediction::score}) {
        denoise<S>(kind, level, xt, truth[static_cast<int>(kind)], {}, {got_x0, got_eps});
        INFO(name_of(kind));
        CHECK(static_cast<double>((got_x0 - x0).abs().maxCoeff()) < ulps<S>(16));
        CHECK(static_cast<double>((got_eps - eps).abs().maxCoeff()) < ulps<S>(16));
    }
}

TEST_CASE("clipping changes x0, and eps only on request", "[predictor]") {
    const batch<double> xt = pattern<double>(5, 3, 1);
    const batch<double> predicted = pattern<double>(5, 3, 2);
    const noise_level<double> level = noise_level_of(0.4);
    batch<double> x0(5, 3), eps(5, 3), clipped(5, 3), again(5, 3);
    denoise<double>(prediction::epsilon, level, xt, predicted, {}, {x0, eps});
    REQUIRE(x0.abs().maxCoeff() > 0.5);

    denoise<double>(prediction::epsilon, level, xt, predicted, {.clip_x0 = 0.5}, {clipped, again});
    CHECK((clipped == x0.max(-0.5).min(0.5)).all());
    CHECK((again == predicted).all());

    denoise<double>(prediction::epsilon, level, xt, predicted, {.clip_x0 = 0.5, .clip_epsilon = true},
                    {clipped, again});
    CHECK((clipped == x0.max(-0.5).min(0.5)).all());
    CHECK((again - (xt - level.signal * clipped) / level.sigma).abs().maxCoeff() < 1e-14);
}

TEMPLATE_TEST_CASE("the limit of dynamic thresholding is the quantile, at least 1 and at most its maximum",
                   "[predictor]", float, double) {
    using S = TestType;
    // The largest numbers of the three samples are 7, 0.5 and 1.25.
    batch<S> x0 = batch<S>::Zero(4, 3);
    x0(1, 0) = -7;
    x0(2, 1) = S(0.5);
    x0(3, 2) = S(1.25);
    const auto limits = [&](const dynamic_threshold& threshold) {
        batch<S> changed = x0;
        std::vector<S> found(3);
        threshold_limits<S>(threshold, changed, found);
        return found;
    };
    CHECK(limits({.ratio = 1}) == std::vector<S>{7, 1, S(1.25)});  // no maximum by default
    CHECK(limits({.ratio = 1, .max = 3}) == std::vector<S>{3, 1, S(1.25)});
    CHECK(limits({.ratio = 1, .max = 1}) == std::vector<S>{1, 1, 1});
    CHECK(limits({.ratio = 0.5}) == std::vector<S>{1, 1, 1});
}

TEST_CASE("denoise: what does not fit is an error", "[predictor]") {
    const batch<float> x = pattern<float>(3, 2, 1);
    const batch<float> narrow = pattern<float>(3, 1, 1);
    batch<float> x0(3, 2), eps(3, 2), wrong(2, 2);
    const noise_level<double> level = noise_level_of(0.4);
    CHECK_THROWS_AS(denoise<float>(prediction::v, level, x, narrow, {}, {x0, eps}), shape_error);
    CHECK_THROWS_AS(denoise<float>(prediction::v, level, x, x, {}, {wrong, eps}), shape_error);
    CHECK_THROWS_AS(denoise<float>(prediction::v, level, x, x, {}, {x0, wrong}), shape_error);
    CHECK_THROWS_AS(denoise<float>(prediction::v, level, x, x, {.clip_x0 = 0.0}, {x0, eps}), value_error);
    CHECK_THROWS_AS(denoise<float>(prediction::v, level, x, x, {.clip_x0 = -1.0}, {x0, eps}), value_error);
    CHECK_THROWS_AS(denoise<float>(prediction::v, level, x, x, {.threshold = dynamic_threshold{}}, {x0, eps}),
                    value_error);
    CHECK_THROWS_AS(denoise<float>(prediction::epsilon, noise_level_of(0.0), x, x, {}, {x0, eps}), value_error);
    CHECK_NOTHROW(denoise<float>(prediction::v, noise_level_of(0.0), x, x, {}, {x0, eps}));
}

TEMPLATE_TEST_CASE("the pair of estimates keeps its bounds of roundings", "[predictor]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> xt = random.values<S>(50, 1), predicted = random.values<S>(50, 1);
    batch<S> x0(50, 1), eps(50, 1);
    const auto check = [](S got, const affine& c, S x, S value, long double limit) {
        const long double a = static_cast<long double>(c.xt) * x, b = static_cast<long double>(c.value) * value;
        CHECK(within(got, std::clamp(a + b, -limit, limit), roundings<S>(3) * (std::abs(a) + std::abs(b))));
    };
    for (const noise_level<double>& level : {noise_level_of(0.4), noise_level<double>{1, 30}, {0.99, 0.01}}) {
        for (const prediction kind : all_predictions) {
            denoise<S>(kind, level, xt, predicted, {}, {x0, eps});
            for (isize i = 0; i < 50; ++i) {
                check(x0(i), conversion(kind, prediction::x0, level), xt(i), predicted(i), 1e30L);
                check(eps(i), conversion(kind, prediction::epsilon, level), xt(i), predicted(i), 1e30L);
            }
            denoise<S>(kind, level, xt, predicted, {.clip_x0 = 2, .clip_epsilon = true}, {x0, eps});
            for (isize i = 0; i < 50; ++i) {
                check(x0(i), conversion(kind, prediction::x0, level), xt(i), predicted(i), 2);
                check(eps(i), conversion(prediction::x0, prediction::epsilon, level), xt(i), x0(i), 1e30L);
            }
        }
    }
}

}  // namespace ddpm::test
