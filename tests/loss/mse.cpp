// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/mse.hpp>

#include <ddpm/loss/kl.hpp>
#include <ddpm/process/forward.hpp>

#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <cstddef>
#include <vector>
#include "loss/rounded_error.hpp"

namespace ddpm::test {

TEMPLATE_TEST_CASE("mse_loss is the mean squared distance to the target", "[loss]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<S> example(schedule, {0, 13, 60, 98});
    for (const prediction kind : all_predictions) {
        batch<S> d(example.x0.rows(), example.x0.cols());
        const batch<S> target = example.truth(kind);
        const batch<S> predicted = target + S(0.5);
        INFO(name_of(kind));
        CHECK(std::abs(mse_loss{}(schedule, kind, example.noised(), predicted, d) - 0.25) <
              ulps<S>(16) * (1 + static_cast<double>(target.abs().maxCoeff())));
        CHECK(std::abs(mse_loss{}(schedule, kind, example.noised(), target, d)) <
              ulps<S>(16) * (1 + static_cast<double>(target.abs().maxCoeff())));
    }
}

TEST_CASE("an error measured on another quantity is the error of that quantity", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {1, 13, 60, 98});
    const batch<double> predicted = pattern<double>(5, 4, 7);
    batch<double> d(5, 4);
    for (const prediction kind : all_predictions) {
        for (const prediction space : all_predictions) {
            const batch<double> converted = convert(schedule, kind, space, example.xt, example.t, predicted);
            const double expected = (converted - example.truth(space)).square().mean();
            INFO(name_of(kind) << " measured on " << name_of(space));
            CHECK(std::abs(mse_loss{.space = space}(schedule, kind, example.noised(), predicted, d) - expected) <
                  1e-9 * expected);
        }
    }
}

TEST_CASE("the gradient of mse_loss agrees with central differences", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    for (const prediction kind : all_predictions) {
        check_gradient(schedule, mse_loss{}, kind);
        check_gradient(schedule, mse_loss{.space = prediction::epsilon}, kind);
    }
}

TEST_CASE("mse_loss serves the smallest schedule and refuses what does not fit", "[loss]") {
    check_loss_errors(mse_loss{});
}

TEMPLATE_TEST_CASE("mse_loss and kl_loss keep their bounds of roundings", "[loss]", float, double) {
    using S = TestType;
    const noise_schedule schedule{cosine_beta{}, 100};
    random_numbers random;
    const auto check = [&](const auto& loss, prediction kind, const auto& weight_of) {
        const noised_example<S> example(schedule, {1, 13, 60, 98}, 40);
        const batch<S> predicted = random.values<S>(40, 4);
        batch<S> d(40, 4);
        const double got = loss(schedule, kind, example.noised(), predicted, d);
        long double sum = 0, error = 0;
        for (isize n = 0; n < 4; ++n) {
            const auto at = static_cast<std::size_t>(n);
            const long double weight = weight_of(example.t[at]) / 160.0L;
            for (isize i = 0; i < 40; ++i) {
                const exact_difference difference(kind, example.level[at], predicted(i, n), example.x0(i, n),
                                                  example.eps(i, n));
                const long double rounded = roundings<S>(6) * difference.size;
                sum += weight * difference.value * difference.value;
                error += weight * rounded * (2 * std::abs(difference.value) + rounded);
                CHECK(within(d(i, n), 2 * weight * difference.value,
                             2 * weight * (rounded + roundings<S>(4) * (std::abs(difference.value) + rounded))));
            }
        }
        INFO(name_of(kind));
        CHECK(within(got, sum, error + roundings<double>(160 + 32) * (sum + error)));
    };
    for (const prediction kind : all_predictions) {
        check(mse_loss{}, kind, [](isize) { return 1.0; });
        check(kl_loss{}, kind, [&](isize t) { return kl_weight(schedule, kind, t); });
        const mse_loss weighted{.weighting = min_snr_weighting{}};
        check(weighted, kind, [&](isize t) { return weight_at(schedule, weighted.weighting, kind, t); });
    }
}

}  // namespace ddpm::test
