// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/self_conditioning.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/rectified_flow.hpp>

#include "support/catch.hpp"
#include "support/evaluate.hpp"
#include "support/schedules.hpp"

#include <vector>

namespace ddpm::test {
namespace {

noise_level<double> flow_level(double t) { return {1 - t, t}; }

/// Predicts ε = x_t / 2 + (the sum of the maps' channels) / 4 of samples of three elements, and keeps what it is told.
template <Scalar S>
struct map_network : network_base {
    using scalar = S;
    struct workspace {};
    batch<S>* seen;
    isize map_channels = 1;

    [[nodiscard]] sample_shape shape() const { return 3; }
    [[nodiscard]] condition_shape takes() const { return {.map_channels = map_channels}; }
    [[nodiscard]] workspace make_workspace(isize, pass) const { return {}; }
    void forward(const network_input<S>& in, batch_view<S> out, workspace&) const {
        *seen = in.condition.maps.array();
        for (isize n = 0; n < out.columns(); ++n) {
            for (isize i = 0; i < 3; ++i) {
                S sum = 0;
                for (isize c = 0; c < map_channels; ++c) {
                    sum += in.condition.maps(i * map_channels + c, n);
                }
                out(i, n) = in.xt(i, n) / 2 + sum / 4;
            }
        }
    }
    void backward(const network_input<S>&, batch_view<const S>, workspace&, map_network&, batch_view<S>) const {}

    template <class Self, class Visitor>
    static void visit(Self&, Visitor&&) {}
};
static_assert(Network<map_network<float>>);

}  // namespace

TEMPLATE_TEST_CASE("a self-conditioned network is given its last estimate", "[predictor]", float, double) {
    using S = TestType;
    batch<S> seen;
    const auto p = self_conditioned(map_network<S>{{}, &seen}, flow_level);
    static_assert(PredictorLike<decltype(p), S>);
    CHECK(shape_of(p) == sample_shape(3));
    CHECK(prediction_of(p) == prediction::epsilon);
    const batch<S> first = pattern<S>(3, 2, 1), second = pattern<S>(3, 2, 2);
    const std::vector<double> t{0.5, 0.75};
    auto session = p.session(2);
    const batch<S> eps = call<S>(session, first, t);
    CHECK((seen == 0).all());
    CHECK((eps == first / 2).all());

    batch<S> estimate(3, 2);
    estimate.col(0) = (first.col(0) - S(0.5) * eps.col(0)) / S(0.5);
    estimate.col(1) = (first.col(1) - S(0.75) * eps.col(1)) / S(0.25);
    static_cast<void>(call<S>(session, second, t));
    CHECK(static_cast<double>((seen - estimate).abs().maxCoeff()) < ulps<S>(16));

    CHECK((evaluate<S>(p, first, t) == eps).all());  // another run begins anew
    CHECK((seen == 0).all());

    const auto clipped = self_conditioned(map_network<S>{{}, &seen}, flow_level, {.clip_x0 = 0.5});
    auto clipping = clipped.session(2);
    static_cast<void>(call<S>(clipping, first, t));
    static_cast<void>(call<S>(clipping, second, t));
    CHECK(static_cast<double>((seen - estimate.max(S(-0.5)).min(S(0.5))).abs().maxCoeff()) < ulps<S>(16));
    CHECK(estimate.abs().maxCoeff() > S(0.5));
}

TEST_CASE("a self-conditioned network is also told maps of its own, before the estimate", "[predictor]") {
    batch<double> seen;
    const auto p = self_conditioned(map_network<double>{{}, &seen, 3}, flow_level);
    const batch<double> maps = pattern<double>(6, 2, 3), x = pattern<double>(3, 2, 1);
    const auto told = conditioned(p, {.maps = maps});
    auto session = told.session(2);
    const batch<double> eps = call<double>(session, x, {0.5, 0.5});
    static_cast<void>(call<double>(session, x, {0.5, 0.5}));
    for (isize i = 0; i < 3; ++i) {
        CHECK((seen.row(3 * i) == maps.row(2 * i)).all());
        CHECK((seen.row(3 * i + 1) == maps.row(2 * i + 1)).all());
        CHECK((seen.row(3 * i + 2) - (2 * x.row(i) - eps.row(i))).abs().maxCoeff() < 1e-14);
    }
    CHECK_THROWS_AS(conditioned(p, {.maps = pattern<double>(9, 2, 3)}).session(2), shape_error);
    // Of the three channels only the estimate's can be absent at first.
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5, 0.5}), shape_error);
}

TEST_CASE("a U-Net with twice the input channels can be self-conditioned", "[predictor]") {
    nn::unet_options options{.height = 4, .width = 4, .in_channels = 4, .map_channels = 2, .out_channels = 2};
    options.down = options.up = {nn::unet_level::plain};
    options.channels = {8};
    options.groups = 4;
    const nn::unet<float> net(options);
    const auto p = self_conditioned(net, flow_level);
    const batch<float> x = pattern<float>(32, 2, 1), zeros = batch<float>::Zero(32, 2);
    const batch<float> got = evaluate<float>(p, x, {0.5, 0.5});
    batch<float> expected(32, 2);
    network_session session(net, 2);
    session.set_condition(condition<float>{.maps = zeros});
    session(x, std::vector<double>{0.5, 0.5}, model_output<float>{expected, {}});
    CHECK((got == expected).all());
}

TEST_CASE("self_conditioned: what does not fit is an error", "[predictor]") {
    batch<double> seen;
    const map_network<double> net{{}, &seen}, without{{}, &seen, 0};
    CHECK_THROWS_AS(self_conditioned(net, flow_level, {.clip_x0 = 0.0}), value_error);
    CHECK_THROWS_AS(self_conditioned(without, flow_level).session(1), value_error);
    const auto p = self_conditioned(net, flow_level);
    const batch<double> x = batch<double>::Ones(3, 2);
    CHECK_THROWS_AS(evaluate<double>(p, batch<double>::Ones(4, 2), {0.5, 0.5}), shape_error);
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5}), shape_error);
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5, 1}), value_error);   // no x_0 from ε where there is no signal
    CHECK_THROWS_AS(evaluate<double>(p, x, {0.5, -1}), value_error);  // no such level
    auto session = p.session(2);
    CHECK_NOTHROW(call<double>(session, x, {0.5, 0.5}));
    CHECK_THROWS_AS(call<double>(session, batch<double>::Ones(3, 1), {0.5}), shape_error);
}

TEMPLATE_TEST_CASE("the estimate given to a network has the bits of convert", "[predictor]", float, double) {
    using S = TestType;
    batch<S> seen;
    const auto p = self_conditioned(map_network<S>{{}, &seen}, [](double u) { return rectified_flow{}.level(u); });
    const batch<S> x = pattern<S>(3, 2, 1);
    const std::vector<double> t{0.3, 0.8};
    auto session = p.session(2);
    const batch<S> eps = call<S>(session, x, t);
    static_cast<void>(call<S>(session, x, t));
    CHECK((seen == convert(rectified_flow{}, prediction::epsilon, prediction::x0, x, t, eps)).all());
}

}  // namespace ddpm::test
