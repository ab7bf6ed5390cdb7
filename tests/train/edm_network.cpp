// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/edm_network.hpp>

#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/network_session.hpp>
#include <ddpm/predictor/preconditioned.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"
#include "support/training.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::test {

namespace {

using mlp_within = edm_network<nn::mlp<double>>;
using unet_within = edm_network<nn::unet<double>>;

static_assert(Network<mlp_within> && Network<unet_within> && Network<edm_network<constant_net<float>>>);
const edm_preconditioning& options() {
    static const edm_preconditioning o{.sigma_data = 0.7, .time_scale = 20};
    return o;
}

template <Scalar S = double>
nn::mlp<S> disturbed_mlp() {
    auto net = small_net<S>();
    disturb(net, 0.3, 2);
    return net;
}

nn::unet<double> disturbed_unet() {
    using level = nn::unet_level;
    nn::unet<double> net({.height = 2,
                          .width = 2,
                          .in_channels = 1,
                          .out_channels = 1,
                          .down = {level::plain},
                          .up = {level::plain},
                          .channels = {8},
                          .layers = 1,
                          .groups = 2,
                          .classes = nn::unet_classes::table,
                          .class_count = 3});
    disturb(net, 0.3, 2);
    return net;
}

const std::vector<double>& sigmas() {
    static const std::vector<double> s{0.01, 0.5, 20};
    return s;
}

/// The gradients of Σ v · prediction against central differences.
template <class Net, class Forward, class Backward>
void check_gradients(Net net, const Forward& forward, const Backward& backward) {
    batch<double> x = random_batch(4, 3, 4), out(4, 3), dx(4, 3);
    const batch<double> v = random_batch(4, 3, 5);
    auto w = net.make_workspace(4, pass::backward);
    const auto value = [&] {
        forward(net, x, out, w);
        return (v * out).sum();
    };
    static_cast<void>(value());
    Net gradient = nn::zeros_like(net), again = gradient;
    backward(net, x, v, w, gradient, batch_view<double>(dx));
    static_cast<void>(value());
    backward(net, x, v, w, again, batch_view<double>());
    CHECK(largest_difference(gradient, again) == 0);
    const auto size_of = [](const auto& p) {
        return std::abs(*std::ranges::max_element(p.values, {}, [](double g) { return std::abs(g); }));
    };
    const auto values = nn::parameters(net);
    const auto analytic = nn::parameters(std::as_const(gradient));
    double largest = 0;
    for (const auto& p : analytic) {
        largest = std::max(largest, size_of(p));
    }
    for (std::size_t k = 0; k < values.size(); ++k) {
        INFO(values[k].name);
        if (size_of(analytic[k]) > 1e-9 * largest) {  // a bias before a normalization has none
            CHECK(gradient_error(values[k].values, analytic[k].values, value) < 1e-6);
        }
    }
    CHECK(gradient_error(elements(x), elements(std::as_const(dx)), value) < 1e-6);
}

}  // namespace

TEMPLATE_TEST_CASE("the network predicts what edm_preconditioned makes of the one within, bit for bit", "[train]",
                   float, double) {
    using S = TestType;
    for (const edm_preconditioning& o :
         {options(), edm_preconditioning{.sigma_min = 0.005, .negative_out = true, .arctangent_time = true}}) {
        const auto within = disturbed_mlp<S>();
        const edm_network net{within, o};
        const batch<S> x = random_batch<S>(4, 3, 4);
        batch<S> found(4, 3), expected(4, 3), direct(4, 3);
        network_session(net, 3)(x, sigmas(), model_output<S>{found, {}});
        edm_preconditioned(within, o).session(3)(batch_view<const S>(x), std::span<const double>(sigmas()),
                                                 model_output<S>{expected, {}});
        auto w = net.make_workspace(3, pass::backward);
        net.forward({x, sigmas()}, direct, w);
        CHECK((found == expected).all());
        CHECK((direct == expected).all());
        CHECK(expected.abs().minCoeff() > 0);
        CHECK(prediction_of(net) == prediction::x0);
        CHECK(net.shape().size() == 4);
        CHECK(net.preconditioning().sigma_data == o.sigma_data);
        CHECK(largest_difference(net.network(), within) == 0);
    }
}

TEST_CASE("the gradients of a preconditioned network agree with central differences", "[train]") {
    check_gradients(
        edm_network{disturbed_mlp(), options()},
        [](const auto& net, const auto& x, auto& out, auto& w) {
            net.forward({x, sigmas()}, out, w);
        },
        [](const auto& net, const auto& x, const auto& v, auto& w, auto& d, batch_view<double> dx) {
            net.backward({x, sigmas()}, v, w, d, dx);
        });
    const std::vector<isize> labels{2, 0, 1};
    const condition<double> given{.labels = labels};
    check_gradients(
        edm_network{disturbed_unet(), options()},
        [&](const auto& net, const auto& x, auto& out, auto& w) {
            net.forward({x, sigmas(), given}, out, w);
        },
        [&](const auto& net, const auto& x, const auto& v, auto& w, auto& d, batch_view<double> dx) {
            net.backward({x, sigmas(), given}, v, w, d, dx);
        });
}

TEST_CASE("a preconditioned network can be differentiated as a predictor", "[train]") {
    const edm_network net{disturbed_mlp(), options()};
    network_session session(net, 3);
    batch<double> x = random_batch(4, 3, 4), out(4, 3), pulled(4, 3);
    const batch<double> v = random_batch(4, 3, 5);
    session.vector_jacobian(x, sigmas(), v, pulled);
    CHECK(gradient_error(elements(x), elements(std::as_const(pulled)), [&] {
              session(x, sigmas(), model_output<double>{out, {}});
              return (v * out).sum();
          }) < 1e-6);
}

TEST_CASE("parameters keep their names", "[train]") {
    const auto within = disturbed_mlp();
    const edm_network net{within};
    const auto own = nn::parameters(net), inner = nn::parameters(within);
    REQUIRE(own.size() == inner.size());
    for (std::size_t p = 0; p < own.size(); ++p) {
        CHECK(own[p].name == inner[p].name);
    }
}

TEST_CASE("a preconditioned network refuses what does not fit", "[train]") {
    CHECK_THROWS_AS((edm_network{small_net<double>(), {.sigma_data = 0}}), value_error);
    CHECK_THROWS_AS((edm_network{small_net<double>(), {.sigma_min = -1}}), value_error);
    CHECK_THROWS_AS((edm_network{nn::mlp<double>{{.dim = 4, .hidden = 4, .variance_head = true}}}), value_error);
    edm_network net{small_net<double>()};
    auto d = net;
    auto w = net.make_workspace(2, pass::backward);
    batch<double> x = random_batch(4, 2, 1), out(4, 2), three(4, 3), narrow(3, 2);
    const std::vector<double> two{1, 2}, zero{1, 0}, one{1};
    CHECK_NOTHROW(net.forward({x, two}, out, w));
    CHECK_NOTHROW(net.backward({x, two}, x, w, d));
    CHECK_THROWS_AS(net.forward({x, zero}, out, w), value_error);
    CHECK_THROWS_AS(net.forward({x, one}, out, w), shape_error);
    CHECK_THROWS_AS(net.forward({x, two}, three, w), shape_error);
    CHECK_THROWS_AS(net.forward({narrow, two}, narrow, w), shape_error);
    CHECK_THROWS_AS(net.forward({three, std::vector<double>{1, 2, 3}}, three, w), shape_error);
    CHECK_THROWS_AS(net.backward({x, two}, three, w, d), shape_error);
}

TEMPLATE_TEST_CASE("a preconditioned network keeps its bounds of roundings", "[train]", float, double) {
    using S = TestType;
    const nn::mlp<S> inner = disturbed_mlp<S>();
    const edm_network net{inner, options()};
    const batch<S> x = random_batch<S>(4, 3, 4), dout = random_batch<S>(4, 3, 5);
    batch<S> out(4, 3), dx(4, 3), x_within(4, 3), out_within(4, 3), dout_within(4, 3), dx_within(4, 3);
    std::vector<double> times;
    for (isize n = 0; n < 3; ++n) {
        const edm_coefficients c = options().at(sigmas()[static_cast<std::size_t>(n)]);
        x_within.col(n) = static_cast<S>(c.in) * x.col(n);
        dout_within.col(n) = static_cast<S>(c.out) * dout.col(n);
        times.push_back(c.time);
    }
    auto w = net.make_workspace(3, pass::backward);
    auto w_within = inner.make_workspace(3, pass::backward);
    auto d = nn::zeros_like(net);
    auto d_within = nn::zeros_like(inner);
    net.forward({x, sigmas()}, out, w);
    net.backward({x, sigmas()}, dout, w, d, batch_view<S>(dx));
    inner.forward({x_within, times}, out_within, w_within);
    inner.backward({x_within, times}, dout_within, w_within, d_within, batch_view<S>(dx_within));
    for (isize n = 0; n < 3; ++n) {
        const edm_coefficients c = options().at(sigmas()[static_cast<std::size_t>(n)]);
        const auto combined = [](S got, long double a, S b, long double e, S f) {
            return within(got, a * b + e * f, roundings<S>(3) * (std::abs(a * b) + std::abs(e * f)));
        };
        for (isize i = 0; i < 4; ++i) {
            const long double in = c.in * static_cast<long double>(x(i, n)),
                              gradient = c.out * static_cast<long double>(dout(i, n));
            CHECK(within(x_within(i, n), in, roundings<S>(2) * std::abs(in)));
            CHECK(within(dout_within(i, n), gradient, roundings<S>(2) * std::abs(gradient)));
            CHECK(combined(out(i, n), c.skip, x(i, n), c.out, out_within(i, n)));
            CHECK(combined(dx(i, n), c.skip, dout(i, n), c.in, dx_within(i, n)));
        }
    }
}

}  // namespace ddpm::test
