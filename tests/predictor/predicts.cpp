// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/predicts.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"

namespace ddpm::test {

TEST_CASE("predicts gives a predictor its meaning at run time", "[predictor]") {
    predictor_archetype<double> bare;
    for (const prediction kind : {prediction::epsilon, prediction::x0, prediction::v, prediction::score}) {
        auto named = predicts(bare, kind);
        static_assert(Predictor<decltype(named), double>);
        static_assert(!Predictor<decltype(named), float>);
        CHECK(prediction_of(named) == kind);
        const batch<double> x = batch<double>::Constant(2, 3, 4.0);
        batch<double> out(2, 3);
        const double t[] = {0, 0, 0};
        named(batch_view<const double>(x), std::span<const double>(t), model_output<double>{out});
        CHECK((out == 2.0).all());
    }
}

TEST_CASE("predicts keeps sessions and the shape", "[predictor]") {
    const session_archetype<float> net;
    const auto named = predicts(net, prediction::x0);
    static_assert(PredictorLike<decltype(named), float>);
    CHECK(named.session(7).samples == 7);
    CHECK(shape_of(named) == sample_shape(4));
    CHECK(prediction_of(named) == prediction::x0);
    auto owning = predicts(predictor_archetype<float>{}, prediction::v);
    static_assert(Predictor<decltype(owning), float>);
}

}  // namespace ddpm::test
