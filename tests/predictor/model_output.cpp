// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/predictor/model_output.hpp>

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/predictor/conditioned.hpp>

#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/gradient_check.hpp"
#include "support/smallest_networks.hpp"

#include <span>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("an output is the caller's memory, for a prediction alone unless a head is wanted", "[predictor]",
                   float, double) {
    using S = TestType;
    batch<S> prediction(2, 3), head(2, 3);
    const model_output<S> alone{prediction};
    CHECK(alone.prediction.data() == prediction.data());
    CHECK(alone.variance.size() == 0);
    CHECK(alone.first_sample == 0);
    const model_output<S> both{prediction, head, 5};
    CHECK(both.variance.data() == head.data());
    CHECK(both.first_sample == 5);
    // A predictor writes through a const output.
    both.prediction(1, 2) = 7;
    both.variance(0, 1) = 8;
    CHECK(prediction(1, 2) == 7);
    CHECK(head(0, 1) == 8);
}

TEMPLATE_TEST_CASE("a network writes its head where it is wanted, and the prediction does not depend on that",
                   "[predictor]", float, double) {
    using S = TestType;
    nn::mlp<S> net{{.dim = 2, .hidden = 4, .blocks = 1, .embedding = 2, .variance_head = true}};
    disturb(net, 0.3, 1);
    const batch<S> x = random_batch<S>(2, 3, 2), untouched = batch<S>::Constant(2, 3, 9);
    const std::vector<double> t{1, 2, 3};
    batch<S> alone = untouched, prediction = untouched, head = untouched;
    network_session session(net, 3);
    session(x, t, model_output<S>{alone});
    session(x, t, model_output<S>{prediction, head});
    CHECK((alone == prediction).all());
    CHECK((head != 9).all());
    CHECK((head != prediction).all());
}

TEST_CASE("the first sample's place in the run selects the conditions of a batch", "[predictor]") {
    told_network<double> net;
    disturb(net, 0.5, 4);
    const some_conditions<double> given(net.takes(), 2, 5);
    const batch<double> x = random_batch(4, 5, 2);
    const std::vector<double> t{1, 2, 3, 4, 5};
    batch<double> whole(4, 5), part(4, 2);
    auto session = conditioned(net, given.all()).session(5);
    session(x, t, model_output<double>{whole});
    const auto middle = std::span<const double>(t).subspan(2, 2);
    session(x.middleCols(2, 2), middle, model_output<double>{part, {}, 2});
    CHECK((part == whole.middleCols(2, 2)).all());
    session(x.middleCols(2, 2), middle, model_output<double>{part});
    CHECK((part != whole.middleCols(2, 2)).any());
}

}  // namespace ddpm::test
