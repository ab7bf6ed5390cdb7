// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/guidance.hpp>
#include <ddpm/predictor/guided_predictor.hpp>
#include <ddpm/predictor/predicts.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/predictors.hpp"
#include "support/schedules.hpp"

#include <vector>

namespace ddpm::test {
namespace {

constexpr auto one = [](double, isize, isize) { return 1.0; };
constexpr auto four = [](double, isize, isize) { return 4.0; };

/// A predictor with a variance head.
struct two_headed {
    void operator()(batch_view<const double> xt, std::span<const double>, const model_output<double>& out) const {
        out.prediction.array() = xt.array();
        if (out.variance.size() > 0) {
            out.variance.array() = 2 * xt.array();
        }
    }
};

}  // namespace

TEST_CASE("an interval of guidance has its ends, and by default every time", "[predictor]") {
    const guidance_interval ends{.from = 10, .to = 20};
    CHECK((ends.contains(10) && ends.contains(20) && !ends.contains(9.5) && !ends.contains(20.5)));
    CHECK((guidance_interval{}.contains(-1e300) && guidance_interval{}.contains(1e300)));
}

TEST_CASE("outside its interval only the conditional predictor is evaluated", "[predictor]") {
    int with = 0, without = 0;
    const auto p = guided(counted<double>(one, &with), counted<double>(four, &without),
                          {.scale = 3, .interval = {.from = 10, .to = 20}});
    auto session = p.session(2);
    const batch<double> x = batch<double>::Zero(3, 2);
    CHECK((call<double>(session, x, {9, 21}) == 1).all());
    CHECK((with == 1 && without == 0));
    CHECK((call<double>(session, x, {10, 20}) == -5).all());
    CHECK((with == 2 && without == 1));
    const batch<double> mixed = call<double>(session, x, {9.5, 15});
    CHECK((mixed.col(0) == 1).all());
    CHECK((mixed.col(1) == -5).all());
    CHECK((with == 3 && without == 2));
}

TEST_CASE("the scale 1 costs one evaluation", "[predictor]") {
    int with = 0, without = 0;
    const auto p = guided(counted<double>(one, &with), counted<double>(four, &without), {.scale = 1});
    CHECK((evaluate<double>(p, batch<double>::Zero(3, 2), {0, 1}) == 1).all());
    CHECK((with == 1 && without == 0));
}

TEST_CASE("guidance takes sessions and bare callables, lvalues and temporaries", "[predictor]") {
    const session_archetype<double> net;     // x / 4
    const predictor_archetype<double> bare;  // x / 2
    const auto of_net = guided(net, predicts(bare, prediction::v), 3);
    static_assert(PredictorLike<decltype(of_net), double> && !PredictorLike<decltype(of_net), float>);
    CHECK(prediction_of(of_net) == prediction::v);
    CHECK(shape_of(of_net) == sample_shape(4));
    const batch<double> x = pattern<double>(4, 3, 1);
    CHECK((evaluate<double>(of_net, x, {0, 0, 0}) - (x / 2 + 3 * (x / 4 - x / 2))).abs().maxCoeff() < 1e-15);

    auto of_bare = guided(bare, predictor_archetype<double>{}, 2);
    CHECK_FALSE(shape_of(of_bare).has_value());
    CHECK((evaluate<double>(of_bare, x, {0, 0, 0}) == x / 2).all());
    static_assert(PredictorLike<decltype(guided(of_net, of_net, 1)), double>);
}

TEST_CASE("the variance head is the conditional predictor's", "[predictor]") {
    const auto p = guided(two_headed{}, predictor_archetype<double>{}, 2);
    auto session = p.session(3);
    const batch<double> x = pattern<double>(4, 3, 1);
    batch<double> mean(4, 3), variance(4, 3);
    const std::vector<double> t(3);
    session(batch_view<const double>(x), std::span<const double>(t), model_output<double>{mean, variance});
    CHECK((variance == 2 * x).all());
    CHECK((mean == 2 * x - x / 2).all());
}

TEST_CASE("a session of a guided predictor takes what a network's takes", "[predictor]") {
    const auto p = guided(counted<float>(one), counted<float>(four), 2);
    auto session = p.session(2);
    const batch<float> x = batch<float>::Zero(3, 2);  // not a view yet, nor t a span
    batch<float> out(3, 2);
    session(x, std::vector<double>{0, 1}, model_output<float>{out, {}});
    CHECK((out == -2).all());
}

TEST_CASE("guided predictors must be of one kind, and want a time for each sample", "[predictor]") {
    CHECK_THROWS_AS(guided(session_archetype<double>{}, predictor_archetype<double>{}, 2), value_error);
    const auto p = guided(counted<double>(one), counted<double>(four), 2);
    CHECK_THROWS_AS(evaluate<double>(p, batch<double>::Zero(3, 2), {0}), shape_error);
}

}  // namespace ddpm::test
