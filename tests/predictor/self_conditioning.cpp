// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/predictor/self_conditioning.hpp>
#include <ddpm/nn/unet.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/schedules.hpp"

#include <vector>

namespace ddpm::test {
namespace {

marginal<double> flow_level(double t) { return {1 - t, t}; }

/// Predicts ε = x_t / 2 + (the estimate of x_0) / 4 of vectors, and keeps its input.
template <Scalar S>
struct vector_network {
    using scalar = S;
    batch<S>* seen;
    void operator()(batch_view<const S> input, std::span<const double>, const model_output<S>& out) const {
        const isize d = input.rows() / 2;
        *seen = input.array();
        out.prediction.array() = input.middle_rows(0, d).array() / 2 + input.middle_rows(d, d).array() / 4;
    }
};

}  // namespace

TEST_CASE("the input of a self-conditioned network interleaves the channels of images", "[predictor]") {
    const batch<float> xt = pattern<float>(12, 2, 1), x0 = pattern<float>(12, 2, 2);
    batch<float> out(24, 2);
    self_conditioning_input<float>({2, 3, 2}, xt, x0, out);
    for (isize pixel = 0; pixel < 6; ++pixel) {
        CHECK((out.middleRows(4 * pixel, 2) == xt.middleRows(2 * pixel, 2)).all());
        CHECK((out.middleRows(4 * pixel + 2, 2) == x0.middleRows(2 * pixel, 2)).all());
    }
    self_conditioning_input<float>({3, 4, 1}, xt, x0, out);
    for (isize pixel = 0; pixel < 12; ++pixel) {
        CHECK((out.row(2 * pixel) == xt.row(pixel)).all());
        CHECK((out.row(2 * pixel + 1) == x0.row(pixel)).all());
    }
    self_conditioning_input<float>(12, xt, x0, out);  // a vector
    CHECK((out.topRows(12) == xt).all());
    CHECK((out.bottomRows(12) == x0).all());
}

TEMPLATE_TEST_CASE("a self-conditioned network is given its last estimate", "[predictor]", float, double) {
    using S = TestType;
    batch<S> seen;
    const auto p = self_conditioned(vector_network<S>{&seen}, flow_level, {.shape = 3});
    static_assert(PredictorLike<decltype(p), S>);
    CHECK(shape_of(p) == sample_shape(3));
    CHECK(prediction_of(p) == prediction::epsilon);
    const batch<S> first = pattern<S>(3, 2, 1), second = pattern<S>(3, 2, 2);
    const std::vector<double> t{0.5, 0.75};
    auto session = p.session(2);
    const batch<S> eps = call<S>(session, first, t);
    CHECK((seen.topRows(3) == first).all());
    CHECK((seen.bottomRows(3) == 0).all());
    CHECK((eps == first / 2).all());

    batch<S> estimate(3, 2);
    estimate.col(0) = (first.col(0) - S(0.5) * eps.col(0)) / S(0.5);
    estimate.col(1) = (first.col(1) - S(0.75) * eps.col(1)) / S(0.25);
    static_cast<void>(call<S>(session, second, t));
    CHECK((seen.topRows(3) == second).all());
    CHECK(static_cast<double>((seen.bottomRows(3) - estimate).abs().maxCoeff()) < ulps<S>(16));

    CHECK((evaluate<S>(p, first, t) == eps).all());  // another run begins anew
    CHECK((seen.bottomRows(3) == 0).all());

    const auto clipped = self_conditioned(vector_network<S>{&seen}, flow_level, {.shape = 3, .clip_x0 = 0.5});
    auto clipping = clipped.session(2);
    static_cast<void>(call<S>(clipping, first, t));
    static_cast<void>(call<S>(clipping, second, t));
    CHECK(static_cast<double>((seen.bottomRows(3) - estimate.max(S(-0.5)).min(S(0.5))).abs().maxCoeff()) < ulps<S>(16));
    CHECK(estimate.abs().maxCoeff() > S(0.5));
}

TEST_CASE("a U-Net with twice the input channels can be self-conditioned", "[predictor]") {
    nn::unet_options options{.height = 4, .width = 4, .in_channels = 4, .out_channels = 2};
    options.down = options.up = {nn::unet_level::plain};
    options.channels = {8};
    options.groups = 4;
    const nn::unet<float> net(options);
    const auto p = self_conditioned(net, flow_level, {.shape = {4, 4, 2}});
    const batch<float> x = pattern<float>(32, 2, 1);
    const batch<float> got = evaluate<float>(p, x, {0.5, 0.5});
    batch<float> input(64, 2);
    self_conditioning_input<float>({4, 4, 2}, x, batch<float>(batch<float>::Zero(32, 2)), input);
    batch<float> expected(32, 2);
    auto session = net.session(2);
    const std::vector<double> t{0.5, 0.5};
    session(batch_view<const float>(input), std::span<const double>(t), model_output<float>{expected, {}});
    CHECK((got == expected).all());
}

TEST_CASE("self_conditioned: what does not fit is an error", "[predictor]") {
    batch<double> seen;
    const vector_network<double> net{&seen};
    CHECK_THROWS_AS(self_conditioned(net, flow_level, {}), shape_error);
    CHECK_THROWS_AS(self_conditioned(net, flow_level, {.shape = 3, .clip_x0 = 0.0}), value_error);
    const auto p = self_conditioned(net, flow_level, {.shape = 3});
    const batch<double> x = batch<double>::Ones(3, 2);
    CHECK_THROWS_AS(evaluate<double>(p, batch<double>::Ones(4, 2), {0.5, 0.5}), shape_error);
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5}), shape_error);
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5, 1}), value_error);   // no x_0 from ε where there is no signal
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5, -1}), value_error);  // no such level
    auto session = p.session(2);
    CHECK_NOTHROW(call<double>(session, x, {0.5, 0.5}));
    CHECK_THROWS_AS(call<double>(session, batch<double>::Ones(3, 1), {0.5}), shape_error);

    batch<double> out(6, 2), low(5, 2), narrow(6, 1);
    CHECK_NOTHROW(self_conditioning_input<double>(3, x, x, out));
    CHECK_THROWS_AS(self_conditioning_input<double>(3, x, batch<double>(x.leftCols(1)), out), shape_error);
    CHECK_THROWS_AS(self_conditioning_input<double>(2, x, x, out), shape_error);
    CHECK_THROWS_AS(self_conditioning_input<double>(3, x, x, low), shape_error);
    CHECK_THROWS_AS(self_conditioning_input<double>(3, x, x, narrow), shape_error);
}

}  // namespace ddpm::test
