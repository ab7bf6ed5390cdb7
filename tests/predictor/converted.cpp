// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/converted.hpp>
#include <ddpm/predictor/mixture_oracle.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/mixtures.hpp"
#include "support/predictions.hpp"
#include "support/schedules.hpp"

#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("a converted oracle is an oracle of the other kind", "[predictor]", float, double) {
    using S = TestType;
    const noise_schedule<> schedule{cosine_beta{}, 50};
    const gaussian_mixture mixture = all_mixtures(3).back().mixture;
    const batch<S> x = pattern<S>(3, 2, 1);
    const std::vector<double> t{12, 30.5};
    for (const prediction from : all_predictions) {
        for (const prediction to : all_predictions) {
            INFO(name_of(from) << " to " << name_of(to));
            const mixture_oracle oracle(mixture, schedule, from), expected(mixture, schedule, to);
            const auto p = converted(oracle, to, schedule);
            static_assert(PredictorLike<decltype(p), S>);
            CHECK(prediction_of(p) == to);
            CHECK(shape_of(p) == sample_shape(3));
            const batch<S> difference = evaluate<S>(p, x, t) - evaluate<S>(expected, x, t);
            CHECK(static_cast<double>(difference.abs().maxCoeff()) < ulps<S>(100));
        }
    }
}

TEST_CASE("converted: what does not fit is an error", "[predictor]") {
    const level_function flow = [](double t) { return noise_level<double>{1 - t, t}; };
    const auto bare = [](batch_view<const double> xt, std::span<const double>, const model_output<double>& out) {
        out.prediction.middle_rows(0, xt.rows()).array() = xt.array();
    };
    const auto p = converted(bare, prediction::x0, flow);
    const batch<double> x = batch<double>::Ones(2, 1);
    CHECK((evaluate<double>(p, x, {0.5}) == 1).all());
    CHECK_THROWS_AS(evaluate<double>(p, x, {1}), value_error);  // no x_0 from ε where there is no signal
    CHECK_THROWS_AS(evaluate<double>(p, x, {2}), value_error);  // no such level
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5, 0.5}), shape_error);
    batch<double> tall(3, 1);
    auto session = p.session(1);
    const std::vector<double> t{0.5};
    const batch_view<const double> xt(x);
    CHECK_THROWS_AS(session(xt, std::span<const double>(t), model_output<double>{tall, {}}), shape_error);
}

TEMPLATE_TEST_CASE("a converted prediction has the bits of convert", "[predictor]", float, double) {
    using S = TestType;
    const noise_schedule<> schedule{cosine_beta{}, 50};
    const batch<S> x = pattern<S>(3, 2, 1), value = pattern<S>(3, 2, 2);
    for (const prediction from : all_predictions) {
        for (const prediction to : all_predictions) {
            const auto p = converted(counted<S>([&](double, isize i, isize n) { return value(i, n); }, nullptr, from),
                                     to, schedule);
            const batch<S> expected = convert(schedule, from, to, x, std::vector<isize>{12, 30}, value);
            CHECK((evaluate<S>(p, x, {12, 30}) == expected).all());
        }
    }
}

}  // namespace ddpm::test
