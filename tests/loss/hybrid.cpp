// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/hybrid.hpp>

#include <ddpm/loss/vlb.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/training_loss.hpp>

#include "loss/bound_golden.hpp"
#include "loss/variance_loss_check.hpp"
#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

static_assert(VarianceLoss<hybrid_loss, noise_schedule<>, float>);
static_assert(!TrainingLoss<hybrid_loss, noise_schedule<>, float>);

TEMPLATE_TEST_CASE("hybrid_loss and its gradients are those of improved-diffusion", "[loss]", float, double) {
    check_golden_losses<TestType>([](reverse_variance variance) { return hybrid_loss{.variance = variance}; },
                                  std::span(golden_losses).first(4));
}

TEST_CASE("hybrid_loss is the simple loss for the prediction, and the bound for the head", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {0, 13, 60, 98});
    const batch<double> predicted = pattern<double>(5, 4, 7), head = pattern<double>(5, 4, 9);
    batch<double> d(5, 4), d_head(5, 4), d_simple(5, 4), d_bound(5, 4), d_bound_head(5, 4);
    for (const prediction kind : all_kinds) {
        for (const auto variance :
             {reverse_variance::learned, reverse_variance::learned_range, reverse_variance::optimal}) {
            const mse_loss simple{.space = prediction::v};
            const hybrid_loss loss{.variance = variance, .simple = simple, .lambda = 0.3};
            const vlb_loss bound{.variance = variance, .scale = 0.3};
            const double value = loss(schedule, kind, example.noised(), predicted, head, d, d_head);
            const double expected = simple(schedule, kind, example.noised(), predicted, d_simple) +
                                    bound(schedule, kind, example.noised(), predicted, head, d_bound, d_bound_head);
            INFO(name_of(kind) << ", variance " << static_cast<int>(variance));
            CHECK(std::abs(value - expected) < 1e-12 * expected);
            CHECK((d == d_simple).all());
            CHECK((d_head == d_bound_head).all());
        }
    }
}

TEMPLATE_TEST_CASE("hybrid_loss weights samples, tells each one's loss, and does not depend on the threads", "[loss]",
                   float, double) {
    check_weights<TestType>(hybrid_loss{});
}

TEST_CASE("hybrid_loss serves the smallest schedule and refuses what does not fit", "[loss]") {
    check_variance_loss_errors(hybrid_loss{});
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> d(3, 2), d_head(3, 2);
    for (const auto fixed : {reverse_variance::fixed_small, reverse_variance::fixed_large}) {
        CHECK_THROWS_AS(
            hybrid_loss{.variance = fixed}(schedule, prediction::v, noised_batch<float>{x, x, x, 4}, x, x, d, d_head),
            value_error);
    }
}

}  // namespace ddpm::test
