// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/training_data.hpp>

#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/training.hpp"

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

/// A loss that does not say that it weighs elements.
struct plain_square {
    template <NoiseProcess Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S, time_type<Schedule>>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<S>> d_predicted) const {
        return mse_loss{}(schedule, kind, noised, predicted, d_predicted);
    }
};

/// A network of four numbers after some steps, which predicts x_0 and so the weighted mean of the data.
template <Scalar S>
constant_net<S> fitted(const training_data<S>& data) {
    constant_net<S> net(4);
    const noise_schedule schedule{linear_beta{}, 20};
    trainer trainer{net, schedule, {.batch = 2, .learning_rate = 0.1, .predicts = prediction::x0}};
    CHECK(trainer.fit(data, {.steps = 20}).status == fit_status::finished);
    return net;
}

}  // namespace

TEMPLATE_TEST_CASE("training data are views of the caller's memory, without conditions and weights unless given",
                   "[train]", float, double) {
    using S = TestType;
    const batch<S> x0 = two_points<S>();
    const training_data<S> data{x0};
    CHECK(data.x0.data() == x0.data());
    CHECK(data.condition.empty());
    CHECK(data.element_weight.size() == 0);
    const condition_dropout none;
    CHECK(none.label == 0);
    CHECK(none.vector == 0);
    CHECK(none.map == 0);
    CHECK_FALSE(none.null_label.has_value());
    CHECK(none.null_vector.empty());
    CHECK(none.null_map.empty());
}

TEMPLATE_TEST_CASE("without weights each element has the weight 1, and one of weight 0 is not learned", "[train]",
                   float, double) {
    using S = TestType;
    const batch<S> x0 = two_points<S>();
    batch<S> weight = batch<S>::Ones(4, 2);
    CHECK(largest_difference(fitted<S>({x0}), fitted<S>({x0, {}, weight})) < 1e-6);
    weight(1, 0) = weight(1, 1) = weight(2, 0) = 0;
    batch<S> other = x0;
    other.row(1).setConstant(S(-7));
    other(2, 0) = S(9);
    const constant_net<S> net = fitted<S>({x0, {}, weight});
    CHECK(largest_difference(net, fitted<S>({other, {}, weight})) == 0);
    CHECK(net.value[1] == 0);
    CHECK(net.value[2] != 0);
}

TEST_CASE("weights of elements that do not fit are refused before the first step", "[train]") {
    const noise_schedule schedule{linear_beta{}, 20};
    const batch<double> x0 = two_points<double>();
    constant_net<double> net(4);
    trainer trainer{net, schedule, {.batch = 2}};
    const auto fit = [&](const batch<double>& weight) { return trainer.fit({x0, {}, weight}, {.steps = 1}); };
    CHECK_THROWS_AS(fit(batch<double>::Ones(4, 1)), shape_error);
    CHECK_THROWS_AS(fit(batch<double>::Ones(3, 2)), shape_error);
    for (const double wrong : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
        batch<double> weight = batch<double>::Ones(4, 2);
        weight(3, 1) = wrong;
        CHECK_THROWS_AS(fit(weight), value_error);
    }
    CHECK(trainer.step() == 0);
    CHECK_NOTHROW(fit(batch<double>::Ones(4, 2)));
    ddpm::trainer<constant_net<double>, noise_schedule<>, plain_square> plain{net, schedule, {.batch = 2}};
    const batch<double> ones = batch<double>::Ones(4, 2);
    CHECK_THROWS_AS(plain.fit({x0, {}, ones}, {.steps = 1}), value_error);
    CHECK_NOTHROW(plain.fit(x0, {.steps = 1}));
}

}  // namespace ddpm::test
