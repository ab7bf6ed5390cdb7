// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/hybrid.hpp>

#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/robust.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "loss/bound_golden.hpp"
#include "loss/element_weight_check.hpp"
#include "loss/variance_loss_check.hpp"
#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <limits>
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
    for (const prediction kind : all_predictions) {
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

TEST_CASE("hybrid_loss limits the bound's x̂_0 where it is asked to, and the decoder is discretized", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {0, 13, 60, 98});
    const batch<double> wide = 3 * pattern<double>(5, 4, 7), limited = wide.max(-1).min(1);
    const batch<double> head = pattern<double>(5, 4, 9);
    REQUIRE((wide.abs().colwise().maxCoeff() > 1).all());
    std::vector<double> losses(4), expected_losses(4);
    batch<double> d(5, 4), d_simple(5, 4), d_head(5, 4), expected(5, 4), unused(5, 4);
    const auto bound_of = [&](const hybrid_loss& loss, const batch<double>& predicted, batch<double>& d_out,
                              batch<double>& d_head_out, std::vector<double>& losses_out) {
        noised_batch<double> noised = example.noised();
        noised.losses = losses_out;
        static_cast<void>(loss(schedule, prediction::x0, noised, predicted, head, d_out, d_head_out));
    };
    bound_of({.clip_denoised = true, .reports_bound = true}, wide, d, d_head, losses);
    bound_of({.reports_bound = true}, limited, unused, expected, expected_losses);
    CHECK((d_head == expected).all());
    CHECK(losses == expected_losses);
    static_cast<void>(mse_loss{}(schedule, prediction::x0, example.noised(), wide, d_simple));
    CHECK((d == d_simple).all());
    bound_of({.reports_bound = true}, wide, unused, expected, expected_losses);
    CHECK_FALSE((d_head == expected).all());
    CHECK(losses != expected_losses);

    bound_of({.decoder = gaussian_decoder{}, .clip_denoised = true}, wide, unused, d_head, losses);
    bound_of({.decoder = gaussian_decoder{}}, wide, unused, expected, expected_losses);
    CHECK((d_head == expected).all());
    CHECK(losses == expected_losses);
}

TEST_CASE("hybrid_loss reports the bound's term alone where it is asked to", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {0, 13, 60, 98});
    const batch<double> predicted = pattern<double>(5, 4, 7), head = pattern<double>(5, 4, 9);
    const std::vector<double> weight{0.5, 2, 1, 3};
    batch<double> d(5, 4), d_head(5, 4), d_all(5, 4), d_head_all(5, 4);
    std::vector<double> alone(4), all(4), bound(4);
    noised_batch<double> noised = example.noised();
    noised.weight = weight;
    noised.losses = alone;
    const double value =
        hybrid_loss{.lambda = 0.3, .reports_bound = true}(schedule, prediction::v, noised, predicted, head, d, d_head);
    noised.losses = all;
    CHECK(hybrid_loss{.lambda = 0.3}(schedule, prediction::v, noised, predicted, head, d_all, d_head_all) == value);
    CHECK((d == d_all).all());
    CHECK((d_head == d_head_all).all());
    noised.losses = bound;
    static_cast<void>(vlb_loss{.scale = 0.3}(schedule, prediction::v, noised, predicted, head, d, d_head));
    CHECK(alone == bound);
    for (std::size_t n = 0; n < 4; ++n) {
        CHECK(alone[n] < all[n]);
    }
}

TEMPLATE_TEST_CASE("hybrid_loss weights samples, tells each one's loss, and does not depend on the threads", "[loss]",
                   float, double) {
    check_weights<TestType>(hybrid_loss{});
    check_weights<TestType>(hybrid_loss{.clip_denoised = true});
}

TEMPLATE_TEST_CASE("hybrid_loss counts elements by their weights, and does not read those of weight 0", "[loss]", float,
                   double) {
    check_element_weights<TestType>(hybrid_loss{}, prediction::v);
    check_element_weights<TestType>(hybrid_loss{.clip_denoised = true}, prediction::x0);
    const basic_hybrid_loss<l1_loss> with_l1{.variance = reverse_variance::learned};
    check_element_weights<TestType>(with_l1, prediction::epsilon);
}

namespace {

/// A loss that does not know of weights of elements.
struct unweighing_loss {
    template <class Schedule, Scalar S>
    double operator()(const Schedule&, prediction, const noised_batch<S>&, batch_view<const S>, batch_view<S> d) const {
        d.array().setZero();
        return 0;
    }
};

/// A loss that refuses timestep 3 and negative data.
struct refusing_loss : unweighing_loss {
    void require_time(const auto&, prediction, isize t) const {
        if (t == 3) {
            throw value_error("refusing_loss", "t", "not 3", t);
        }
    }
    void require_data(batch_view<const float> x0) const {
        if (x0.array().minCoeff() < 0) {
            throw value_error("refusing_loss", "x0", ">= 0", x0.array().minCoeff());
        }
    }
};

}  // namespace

TEST_CASE("hybrid_loss refuses the times and data that its simple loss refuses", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const basic_hybrid_loss<refusing_loss> loss;
    CHECK_NOTHROW(loss.require_time(schedule, prediction::v, 4));
    CHECK_THROWS_AS(loss.require_time(schedule, prediction::v, 3), value_error);
    const batch<float> positive = batch<float>::Constant(5, 4, 0.5F);
    CHECK_NOTHROW(loss.require_data(positive));
    CHECK_THROWS_AS(loss.require_data(-positive), value_error);
}

TEST_CASE("hybrid_loss counts weights of elements only if its simple loss does", "[loss]") {
    static_assert(WeighsElements<hybrid_loss> && !WeighsElements<basic_hybrid_loss<unweighing_loss>>);
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<float> example(schedule, {0, 13, 60, 98});
    const batch<float> head = pattern<float>(5, 4, 9), weight = batch<float>::Ones(5, 4);
    batch<float> d = batch<float>::Constant(5, 4, 77.0F), d_head = d;
    const basic_hybrid_loss<unweighing_loss> loss;
    noised_batch<float> noised = example.noised();
    noised.element_weight = weight;
    CHECK_THROWS_AS(loss(schedule, prediction::v, noised, example.x0, head, d, d_head), value_error);
    CHECK(((d == 77.0F).all() && (d_head == 77.0F).all()));
    noised.element_weight = {};
    CHECK_NOTHROW(loss(schedule, prediction::v, noised, example.x0, head, d, d_head));
}

TEST_CASE("hybrid_loss serves the smallest schedule and refuses what does not fit", "[loss]") {
    check_element_weight_errors(hybrid_loss{});
    check_variance_loss_errors(hybrid_loss{});
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> d(3, 2), d_head(3, 2);
    for (const auto fixed : {reverse_variance::fixed_small, reverse_variance::fixed_large}) {
        CHECK_THROWS_AS(
            hybrid_loss{.variance = fixed}(schedule, prediction::v, noised_batch<float>{x, x, x, 4}, x, x, d, d_head),
            value_error);
        CHECK_THROWS_AS(hybrid_loss{.variance = fixed}.require_time(schedule, prediction::v, 4), value_error);
    }
    // What a call would refuse is known before it.
    CHECK_NOTHROW(hybrid_loss{}.require_time(schedule, prediction::v, 4));
    CHECK_THROWS_AS(hybrid_loss{.decoder = discretized_decoder{.levels = 1}}.require_time(schedule, prediction::v, 4),
                    value_error);
    CHECK_THROWS_AS(hybrid_loss{}.require_time(schedule, prediction::v, schedule.steps()), value_error);
}

TEST_CASE("hybrid_loss refuses a lambda that is negative or not finite", "[loss]") {
    const schedule_archetype schedule;
    const batch<float> x = pattern<float>(3, 2, 1);
    batch<float> d(3, 2), d_head = batch<float>::Constant(3, 2, 77.0F);
    const noised_batch<float> noised{x, x, x, 4};
    const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
    for (const double lambda : {-1.0, -1e-300, nan, infinity}) {
        const hybrid_loss loss{.lambda = lambda};
        CHECK_THROWS_AS(loss(schedule, prediction::v, noised, x, x, d, d_head), value_error);
        CHECK((d_head == 77.0F).all());
        CHECK_THROWS_AS(loss.require_time(schedule, prediction::v, 4), value_error);
    }
    // 0 leaves the simple loss alone.
    const double simple = mse_loss{}(schedule, prediction::v, noised, x, d);
    CHECK(hybrid_loss{.lambda = 0}(schedule, prediction::v, noised, x, x, d, d_head) == simple);
    CHECK((d_head == 0).all());
}

}  // namespace ddpm::test
