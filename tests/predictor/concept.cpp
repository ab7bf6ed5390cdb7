// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/concept.hpp>

#include "support/catch.hpp"
#include "support/predictors.hpp"

namespace ddpm::test {
namespace {

using bare_function = void (*)(batch_view<const float>, std::span<const double>, const model_output<float>&);
struct too_few_arguments {
    void operator()(batch_view<const float>, std::span<const double>) {}
};
struct named_double {
    using scalar = double;
    void operator()(batch_view<const double>, std::span<const double>, const model_output<double>&) {}
};

}  // namespace

static_assert(Predictor<predictor_archetype<float>, float>);
static_assert(Predictor<predictor_archetype<double>, double>);
static_assert(!Predictor<predictor_archetype<float>, double>);
static_assert(Predictor<bare_function, float> && EpsilonPredictor<bare_function, float>);
static_assert(EpsilonPredictor<predictor_archetype<float>, float>);
static_assert(!EpsilonPredictor<session_archetype<float>::predictor, float>);
static_assert(!Predictor<too_few_arguments, float>);
static_assert(!Predictor<int, float>);
static_assert(!Predictor<predictor_archetype<float>, int>);
static_assert(!Predictor<session_archetype<float>, float>);
static_assert(SessionMaker<session_archetype<float>>);
static_assert(!SessionMaker<predictor_archetype<float>>);
static_assert(PredictorLike<session_archetype<float>, float>);
static_assert(PredictorLike<const predictor_archetype<float>&, float>);
static_assert(!PredictorLike<session_archetype<float>, double>);
static_assert(std::same_as<predictor_scalar<predictor_archetype<double>>, float>);
static_assert(std::same_as<predictor_scalar<const named_double&>, double>);

TEST_CASE("a bare callable predicts eps and knows no shape", "[predictor]") {
    const predictor_archetype<float> bare;
    CHECK(prediction_of(bare) == prediction::epsilon);
    CHECK_FALSE(shape_of(bare).has_value());
    const session_archetype<float> net;
    CHECK(prediction_of(net) == prediction::v);
    CHECK(shape_of(net) == sample_shape(4));
}

TEST_CASE("a session is made where there is one to make", "[predictor]") {
    const session_archetype<float> net;
    const auto session = session_of(net, 5);
    CHECK(session.samples == 5);
    predictor_archetype<float> bare;
    CHECK(&session_of(bare, 5) == &bare);
}

}  // namespace ddpm::test
