// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/concept.hpp>

#include <ddpm/loss/kl.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/loss/robust.hpp>
#include <ddpm/loss/vlb.hpp>

#include "loss/element_weight_check.hpp"
#include "support/catch.hpp"
#include "support/loss_check.hpp"
#include "support/predictions.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

namespace {

struct unaware_loss {};
struct unable_loss {
    static constexpr bool weighs_elements = false;
};

/// Weights and reported losses of a batch against the samples one by one.
template <class S, class Loss>
void check_weights(const Loss& loss, prediction kind) {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<S> example(schedule, {3, 13, 60, 98});
    const batch<S> predicted = pattern<S>(5, 4, 7);
    const std::vector<double> weight{0.5, 0, 3, 1.25};
    std::vector<double> losses(4);
    batch<S> d(5, 4), d_weighted(5, 4), d_plain(5, 4), d_one(5, 1);
    noised_batch<S> noised = example.noised();
    const double plain = loss(schedule, kind, noised, predicted, d_plain);
    noised.losses = losses;
    const double reported = loss(schedule, kind, noised, predicted, d);
    CHECK((d == d_plain).all());
    CHECK(std::abs(reported - plain) <= 1e-14 * plain);

    noised.weight = weight;
    const std::vector<double> without_weights = losses;
    const double weighted = loss(schedule, kind, noised, predicted, d_weighted);
    CHECK(losses == without_weights);
    noised.losses = {};
    CHECK(std::abs(loss(schedule, kind, noised, predicted, d) - weighted) <= 1e-14 * weighted);
    CHECK((d == d_weighted).all());
    double expected = 0;
    for (isize n = 0; n < 4; ++n) {
        const auto at = static_cast<std::size_t>(n);
        const noised_batch<S> one{batch_view<const S>(example.x0).middle(n, 1),
                                  batch_view<const S>(example.eps).middle(n, 1),
                                  batch_view<const S>(example.xt).middle(n, 1), example.t[at]};
        const double alone = loss(schedule, kind, one, predicted.col(n), d_one);
        INFO("sample " << n);
        CHECK(std::abs(losses[at] - alone) <= 1e-14 * alone);
        expected += weight[at] * alone / 4;
        const auto difference = (d_weighted.col(n) - d_plain.col(n) * static_cast<S>(weight[at])).abs().maxCoeff();
        CHECK(static_cast<double>(difference) <= ulps<S>(4) * static_cast<double>(d_weighted.col(n).abs().maxCoeff()));
    }
    CHECK(std::abs(weighted - expected) <= 1e-13 * expected);
}

}  // namespace

TEMPLATE_TEST_CASE("every loss counts samples by their weights and reports their losses", "[loss]", float, double) {
    for (const prediction kind : all_predictions) {
        check_weights<TestType>(mse_loss{}, kind);
        check_weights<TestType>(mse_loss{.space = prediction::x0}, kind);
        check_weights<TestType>(mse_loss{.weighting = min_snr_weighting{}}, kind);
        check_weights<TestType>(kl_loss{}, kind);
        check_weights<TestType>(l1_loss{prediction::v, p2_weighting{}}, kind);
        check_weights<TestType>(huber_loss{}, kind);
    }
}

TEMPLATE_TEST_CASE("every loss counts elements by their weights, and does not read those of weight 0", "[loss]", float,
                   double) {
    for (const prediction kind : all_predictions) {
        for_each_target([&] { check_element_weights<TestType>(mse_loss{}, kind); });
        check_element_weights<TestType>(mse_loss{.space = prediction::x0}, kind);
        check_element_weights<TestType>(mse_loss{.weighting = min_snr_weighting{}}, kind);
        check_element_weights<TestType>(kl_loss{}, kind);
        for_each_target([&] { check_element_weights<TestType>(l1_loss{prediction::v, p2_weighting{}}, kind); });
        check_element_weights<TestType>(huber_loss{.delta = 0.01}, kind);
    }
}

TEST_CASE("gradients of losses whose elements have weights agree with central differences", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const batch<double> weight = some_element_weights<double>(5, 4);
    for (const prediction kind : all_predictions) {
        check_gradient(schedule, mse_loss{.space = prediction::epsilon}, kind, weight);
        check_gradient(schedule, kl_loss{}, kind, weight);
        check_gradient(schedule, l1_loss{prediction::v}, kind, weight);
        check_gradient(schedule, huber_loss{.delta = 0.7}, kind, weight);
    }
}

TEST_CASE("weights of elements that do not fit are refused before anything is written", "[loss]") {
    check_element_weight_errors(mse_loss{});
    check_element_weight_errors(kl_loss{});
    check_element_weight_errors(l1_loss{});
    check_element_weight_errors(huber_loss{});
}

TEST_CASE("a loss that does not say that it counts weights of elements is refused", "[loss]") {
    static_assert(WeighsElements<mse_loss> && WeighsElements<const mse_loss&>);
    static_assert(!WeighsElements<unaware_loss> && !WeighsElements<unable_loss>);
    CHECK_NOTHROW(require_weighs_elements<mse_loss>("here"));
    CHECK_THROWS_AS(require_weighs_elements<unaware_loss>("here"), value_error);
    CHECK_THROWS_AS(require_weighs_elements<unable_loss>("here"), value_error);
}

TEST_CASE("which optional members a loss has is known", "[loss]") {
    static_assert(loss_members<vlb_loss, noise_schedule<>, float>::refuses_times);
    static_assert(!loss_members<unaware_loss, noise_schedule<>, float>::refuses_times);
    const batch<float> outside = batch<float>::Constant(2, 1, 127.0f);
    CHECK_NOTHROW(require_loss_data<mse_loss, float>({}, outside, {}));
    CHECK_THROWS_AS((require_loss_data<vlb_loss, float>({}, outside, {})), value_error);
    CHECK_NOTHROW(require_element_weight<float>("here", outside));
    const batch<float> negative = batch<float>::Constant(2, 1, -1.0f);
    CHECK_THROWS_AS(require_element_weight<float>("here", negative), value_error);
}

TEST_CASE("times, weights and places for losses must be one per sample", "[loss]") {
    const noise_schedule schedule{cosine_beta{}, 100};
    const noised_example<double> example(schedule, {3, 13});
    batch<double> d(5, 2);
    std::vector<double> three(3);
    noised_batch<double> noised = example.noised();
    const noised_batch<double> other_times{noised.x0,     noised.eps,   noised.xt, std::vector<isize>{3, 13, 4},
                                           noised.weight, noised.losses};
    CHECK_THROWS_AS(mse_loss{}(schedule, prediction::v, other_times, example.x0, d), shape_error);
    noised.weight = three;
    CHECK_THROWS_AS(mse_loss{}(schedule, prediction::v, noised, example.x0, d), shape_error);
    noised.weight = {};
    noised.losses = three;
    CHECK_THROWS_AS(mse_loss{}(schedule, prediction::v, noised, example.x0, d), shape_error);
}

}  // namespace ddpm::test
