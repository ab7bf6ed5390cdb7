// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/predictor/variance_head.hpp>

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/concept.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/training.hpp"

#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("a head's channels come after the prediction's in each pixel, and join to the same output",
                   "[predictor]", float, double) {
    using S = TestType;
    for (const isize columns : {1, 3, 3000}) {
        for (const isize channels : {1, 2, 12}) {
            const batch<S> both = random_batch<S>(24, columns, 1);
            batch<S> prediction(12, columns), head(12, columns), alone(12, columns), again(24, columns);
            split_variance_head<S>(both, channels, prediction, head);
            split_variance_head<S>(both, channels, alone, {});
            CHECK((alone == prediction).all());
            for (isize n = 0; n < columns; n += 97) {
                for (isize i = 0; i < 12; ++i) {
                    const isize at = i / channels * 2 * channels + i % channels;
                    REQUIRE(prediction(i, n) == both(at, n));
                    REQUIRE(head(i, n) == both(at + channels, n));
                }
            }
            join_variance_head<S>(prediction, head, channels, again);
            CHECK((again == both).all());
            join_variance_head<S>(prediction, {}, channels, again);
            split_variance_head<S>(again, channels, alone, head);
            CHECK((alone == prediction).all());
            CHECK((head == 0).all());
        }
    }
}

TEST_CASE("heads that do not fit are refused", "[predictor]") {
    batch<float> both(12, 2), half(6, 2), narrow(6, 1), small(5, 2);
    CHECK_THROWS_AS((split_variance_head<float>(both, 1, small, {})), shape_error);
    CHECK_THROWS_AS((split_variance_head<float>(both, 1, narrow, {})), shape_error);
    CHECK_THROWS_AS((split_variance_head<float>(both, 1, half, small)), shape_error);
    CHECK_THROWS_AS((split_variance_head<float>(both, 4, half, half)), shape_error);
    CHECK_THROWS_AS((split_variance_head<float>(both, 0, half, half)), shape_error);
    CHECK_THROWS_AS((join_variance_head<float>(half, narrow, 1, both)), shape_error);
    CHECK_THROWS_AS((join_variance_head<float>(half, half, 1, half)), shape_error);
}

TEST_CASE("only a network that says so has a variance head", "[predictor]") {
    CHECK_FALSE(constant_net<float>(3).has_variance_head());
    CHECK_FALSE(nn::mlp<float>{{.dim = 3}}.has_variance_head());
    CHECK(nn::mlp<float>{{.dim = 3, .variance_head = true}}.has_variance_head());
}

TEMPLATE_TEST_CASE("an MLP with a variance head puts it out element by element", "[predictor]", float, double) {
    using S = TestType;
    nn::mlp<S> net{{.dim = 6, .hidden = 24, .blocks = 1, .variance_head = true}};
    CHECK(net.outputs() == 12);
    disturb(net, 0.2, 3);
    for (const isize columns : {1, 5, 100}) {
        const batch<S> x = random_batch<S>(6, columns, 4);
        batch<S> both(12, columns), prediction(6, columns), variance(6, columns), alone(6, columns),
            wrong(6, columns + 1);
        const std::vector<double> t(static_cast<std::size_t>(columns), 17.0);
        auto w = net.make_workspace(columns, pass::backward);
        net.forward({x, t}, both, w);
        CHECK_THROWS_AS(net.forward({x, t}, alone, w), shape_error);
        auto session = network_session(net, columns);
        session(x, t, model_output<S>{prediction, variance});
        session(x, t, model_output<S>{alone, {}});
        CHECK((alone == prediction).all());
        for (isize i = 0; i < 6; ++i) {
            CHECK((prediction.row(i) == both.row(2 * i)).all());
            CHECK((variance.row(i) == both.row(2 * i + 1)).all());
        }
        CHECK_THROWS_AS(session(x, t, (model_output<S>{prediction, wrong})), shape_error);
    }
}

TEST_CASE("the gradients of an MLP with a variance head are the central differences", "[predictor]") {
    nn::mlp<double> net{{.dim = 3, .hidden = 9, .blocks = 2, .embedding = 6, .variance_head = true, .seed = 5}};
    disturb(net, 0.3, 11);
    const batch<double> x = random_batch(3, 4, 1), dout = random_batch(6, 4, 2);
    const std::vector<double> t{1, 20, 300, 4};
    network_loss loss(net, {x, t}, dout);
    CHECK(parameter_gradient_error(net, loss.gradient(), loss) < 1e-6);
}

}  // namespace ddpm::test
