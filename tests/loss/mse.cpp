// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/mse.hpp>

#include <ddpm/process/forward.hpp>

#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

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

}  // namespace ddpm::test
