// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/vlb.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/kl.hpp>
#include <ddpm/process/posterior.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "loss/bound_golden.hpp"
#include "loss/element_weight_check.hpp"
#include "loss/variance_loss_check.hpp"
#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/schedules.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace ddpm::test {

static_assert(TrainingLoss<vlb_loss, noise_schedule<>, float>);
static_assert(VarianceLoss<vlb_loss, noise_schedule<>, float>);

TEMPLATE_TEST_CASE("vlb_loss and its gradients are those of improved-diffusion", "[loss]", float, double) {
    check_golden_losses<TestType>([](reverse_variance variance) { return vlb_loss{.variance = variance}; },
                                  std::span(golden_losses).subspan(4));
}

TEST_CASE("the gradients of vlb_loss agree with central differences", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    for (const prediction kind : all_predictions) {
        for (const auto variance :
             {reverse_variance::learned, reverse_variance::learned_range, reverse_variance::optimal}) {
            check_variance_gradients(schedule, vlb_loss{.variance = variance}, kind);
            check_variance_gradients(schedule, vlb_loss{.variance = variance, .decoder = gaussian_decoder{}}, kind);
        }
        check_gradient(schedule, vlb_loss{.variance = reverse_variance::fixed_small}, kind);
        check_gradient(schedule, vlb_loss{.variance = reverse_variance::fixed_large, .decoder = gaussian_decoder{}},
                       kind);
    }
}

TEST_CASE("with the posterior's variance vlb_loss is kl_loss in bits", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {1, 13, 60, 98});
    const batch<double> predicted = pattern<double>(5, 4, 7);
    batch<double> d(5, 4), expected(5, 4);
    const vlb_loss loss{.variance = reverse_variance::fixed_small, .scale = std::numbers::ln2};
    for (const prediction kind : all_predictions) {
        const double nats = kl_loss{}(schedule, kind, example.noised(), predicted, expected);
        CHECK(std::abs(loss(schedule, kind, example.noised(), predicted, d) - nats) < 1e-9 * nats);
        CHECK((d - expected).abs().maxCoeff() < 1e-9 * expected.abs().maxCoeff());
    }
}

TEST_CASE("a fixed variance leaves the head without a gradient, and needs none", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<float> example(schedule, {0, 13, 60, 98});
    const batch<float> predicted = pattern<float>(5, 4, 7), head = pattern<float>(5, 4, 9);
    batch<float> d(5, 4), d_alone(5, 4), d_head = pattern<float>(5, 4, 3);
    const vlb_loss loss{.variance = reverse_variance::fixed_large};
    const double value = loss(schedule, prediction::v, example.noised(), predicted, head, d, d_head);
    CHECK(value == loss(schedule, prediction::v, example.noised(), predicted, d_alone));
    CHECK((d == d_alone).all());
    CHECK((d_head == 0).all());
}

TEMPLATE_TEST_CASE("vlb_loss weights samples, tells each one's loss, and does not depend on the threads", "[loss]",
                   float, double) {
    check_weights<TestType>(vlb_loss{});
}

TEMPLATE_TEST_CASE("vlb_loss counts elements by their weights, and does not read those of weight 0", "[loss]", float,
                   double) {
    for (const auto variance :
         {reverse_variance::learned, reverse_variance::learned_range, reverse_variance::optimal}) {
        for_each_target([&] { check_element_weights<TestType>(vlb_loss{.variance = variance}, prediction::v); });
        check_element_weights<TestType>(vlb_loss{variance, gaussian_decoder{}}, prediction::epsilon);
    }
    check_element_weights<TestType>(vlb_loss{.variance = reverse_variance::fixed_small}, prediction::x0);
}

TEST_CASE("the gradients of vlb_loss whose elements have weights agree with central differences", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const batch<double> weight = some_element_weights<double>(5, 4);
    for (const prediction kind : all_predictions) {
        check_variance_gradients(schedule, vlb_loss{}, kind, weight);
        check_gradient(schedule, vlb_loss{.variance = reverse_variance::fixed_large}, kind, weight);
    }
}

TEST_CASE("vlb_loss serves the smallest schedule and refuses what does not fit", "[loss]") {
    check_element_weight_errors(vlb_loss{});
    check_loss_errors(vlb_loss{.variance = reverse_variance::fixed_small});
    check_variance_loss_errors(vlb_loss{});
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> d(3, 2);
    CHECK_THROWS_AS(vlb_loss{}(schedule, prediction::v, noised_batch<float>{x, x, x, 4}, x, d), value_error);
    CHECK_THROWS_WITH(vlb_loss{}(schedule, prediction::v, noised_batch<float>{x, x, x, 99999}, x, x, d, d),
                      ContainsSubstring("vlb_loss: "));
}

TEST_CASE("vlb_loss refuses a scale that is negative or not finite, before any output", "[loss]") {
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> d = batch<float>::Constant(3, 2, 77.0F), d_head = d;
    const noised_batch<float> noised{x, x, x, 4};
    const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
    for (const double scale : {-1.0, -1e-300, nan, infinity}) {
        const vlb_loss loss{.scale = scale};
        CHECK_THROWS_AS(loss(schedule, prediction::v, noised, x, x, d, d_head), value_error);
        CHECK(((d == 77.0F).all() && (d_head == 77.0F).all()));
        CHECK_THROWS_AS(loss.require_time(schedule, prediction::v, 4), value_error);
    }
    CHECK(vlb_loss{.scale = 0}(schedule, prediction::v, noised, x, x, d, d_head) == 0);
    CHECK_NOTHROW(vlb_loss{.scale = 0}.require_time(schedule, prediction::v, 4));
}

}  // namespace ddpm::test
