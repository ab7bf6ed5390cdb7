// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/predictor/concept.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/guidance.hpp>
#include <ddpm/predictor/network.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {

static_assert(Network<nn::unet<float>>);

namespace {

using level = nn::unet_level;

nn::unet_options small_options() {
    return {.height = 4,
            .width = 4,
            .in_channels = 1,
            .out_channels = 1,
            .time_embedding_dim = 4,
            .down = {level::plain, level::attention},
            .up = {level::attention, level::plain},
            .channels = {2, 4},
            .layers = 1,
            .head_dim = 2,
            .groups = 2};
}

template <Scalar S>
nn::unet<S> network(const nn::unet_options& options) {
    nn::unet<S> net(options);
    disturb(net, 0.2, 1);
    return net;
}

/// The gradient of sum(out · dout) with respect to everything, against central differences.
void check_gradients(const nn::unet_options& options, const condition<double>& given = {}) {
    nn::unet<double> net = network<double>(options);
    const isize samples = 2, rows = options.height * options.width;
    batch<double> x = random_batch(rows * options.in_channels, samples, 2), dx(x.rows(), samples);
    const batch<double> dout = random_batch(rows * options.out_channels, samples, 3);
    const std::vector<double> t{3, 40};
    network_loss loss(net, {x, t, given, dropout_masks{7, 3}}, dout);
    nn::unet<double> d = nn::zeros_like(net);
    loss.add_gradient(d, dx);
    CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-6);
    double largest = 0;
    for (const auto& p : nn::parameters(d)) {
        for (const double g : p.values) {
            largest = std::max(largest, std::abs(g));
        }
    }
    const auto values = nn::parameters(net);
    const auto analytic = nn::parameters(d);
    for (std::size_t k = 0; k < values.size(); ++k) {
        if (values[k].name == "time_proj.weight" && options.time == nn::unet_time::fourier) {
            continue;  // not learned
        }
        INFO(values[k].name);
        double difference = 0;
        for (std::size_t i = 0; i < values[k].values.size(); ++i) {
            const double numeric = central_difference(values[k].values[i], loss);
            difference = std::max(difference, std::abs(numeric - analytic[k].values[i]));
        }
        CHECK(difference < 1e-6 * largest);
    }
}

}  // namespace

TEST_CASE("the gradients of a whole U-Net are the central differences", "[nn]") {
    nn::unet_options options = small_options();
    check_gradients(options);
    options.scale_shift = true;
    options.downsample = nn::unet_resampling::residual;
    options.upsample = nn::unet_resampling::residual;
    options.down = options.up = {level::attention, level::attention};
    options.middle_scale = 1.5;
    options.center_input = true;
    check_gradients(options);
    options.down = {level::residual, level::plain};
    options.up = {level::residual, level::attention};
    options.downsample = options.upsample = nn::unet_resampling::conv;
    options.act = nn::activation::mish;
    check_gradients(options);
    options.scale_shift = false;
    options.act = nn::activation::gelu;
    check_gradients(options);
}

TEST_CASE("the gradients reach every kind of embedding", "[nn]") {
    const std::vector<isize> labels{2, 0};
    const batch<double> vectors = random_batch(4, 2, 9);
    condition<double> classes, given_vectors;
    classes.labels = labels;
    given_vectors.vectors = vectors;
    nn::unet_options options = small_options();
    options.channels = {2};
    options.down = options.up = {level::plain};
    options.middle_attention = false;
    options.classes = nn::unet_classes::table;
    options.class_count = 3;
    check_gradients(options, classes);
    options.classes = nn::unet_classes::identity;
    options.time = nn::unet_time::fourier;
    check_gradients(options, given_vectors);
    options.classes = nn::unet_classes::timestep;
    options.time = nn::unet_time::learned;
    options.train_timesteps = 50;
    options.middle = false;
    check_gradients(options, classes);
}

TEMPLATE_TEST_CASE("a sample through the U-Net depends on itself only", "[nn]", float, double) {
    using S = TestType;
    nn::unet_options options = small_options();
    options.height = 8;
    options.width = 12;
    options.channels = {8, 16};
    const nn::unet<S> net = network<S>(options);
    const batch<S> x = random_batch<S>(96, 9, 4);
    std::vector<double> t;
    for (isize n = 0; n < 9; ++n) {
        t.push_back(static_cast<double>(37 * n));
    }
    batch<S> expected(96, 9);
    for (isize n = 0; n < 9; ++n) {
        auto alone = net.make_workspace(1, pass::forward);
        batch<S> one(96, 1);
        net.forward({x.col(n), std::span(t).subspan(static_cast<std::size_t>(n), 1)}, one, alone);
        expected.col(n) = one;
    }
    for (const isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        batch<S> out(96, 9);
        auto session = network_session(net, 9);
        session(x, t, model_output<S>{out, {}});
        CHECK((out == expected).all());
        auto w = net.make_workspace(9, pass::backward);
        batch<S> kept(96, 9);
        net.forward({x, t}, kept, w);
        CHECK((kept == expected).all());
    }
    set_thread_count(0);
}

TEMPLATE_TEST_CASE("the U-Net's gradient has the same bits with any threads, and where layers run again", "[nn]", float,
                   double) {
    using S = TestType;
    nn::unet_options options = small_options();
    options.channels = {8, 16};
    options.dropout = 0.3;
    const nn::unet<S> net = network<S>(options);
    const batch<S> x = random_batch<S>(16, 5, 4), dout = random_batch<S>(16, 5, 5);
    const std::vector<double> t{1, 2, 3, 4, 5};
    std::vector<nn::unet<S>> gradients;
    batch<S> plain(16, 5), out(16, 5);
    std::size_t memory[2] = {};
    for (const isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        for (const bool recompute : {false, true}) {
            auto w = net.make_workspace(5, recompute ? pass::recompute : pass::backward);
            const network_input<S> in{x, t, {}, dropout_masks{7, 3}};
            gradients.push_back(nn::zeros_like(net));
            net.forward(in, out, w);
            net.backward(in, dout, w, gradients.back());
            memory[recompute ? 1 : 0] = w.memory.bytes();
        }
    }
    set_thread_count(0);
    CHECK(memory[1] <= memory[0]);
    for (const auto& d : gradients) {
        const auto first = nn::parameters(std::as_const(gradients.front()));
        const auto other = nn::parameters(d);
        for (std::size_t k = 0; k < first.size(); ++k) {
            INFO(first[k].name);
            CHECK(std::ranges::equal(first[k].values, other[k].values));
        }
    }
    auto w = net.make_workspace(5, pass::forward);
    net.forward({x, t}, plain, w);
    CHECK((plain != out).any());  // nothing is dropped where nothing is learned
}

TEST_CASE("residual blocks that resample drop out in training, and their gradient knows it", "[nn]") {
    nn::unet_options options = small_options();
    options.down = options.up = {level::attention, level::attention};
    options.middle = false;
    options.dropout = 0.5;
    options.downsample = options.upsample = nn::unet_resampling::residual;
    nn::unet<double> net = network<double>(options);
    for (const auto& p : nn::parameters(net)) {
        // Of all other residual blocks nothing is left that could be dropped.
        if (p.name.find(".resnets.") != std::string::npos && p.name.find(".conv2.") != std::string::npos) {
            std::fill(p.values.begin(), p.values.end(), 0.0);
        }
    }
    const batch<double> x = random_batch(16, 3, 4);
    const std::vector<double> t{1, 2, 3};
    batch<double> plain(16, 3), dropped(16, 3), other(16, 3);
    auto w = net.make_workspace(3, pass::backward);
    net.forward({x, t}, plain, w);
    net.forward({x, t, {}, dropout_masks{7, 4}}, other, w);
    net.forward({x, t, {}, dropout_masks{7, 3}}, dropped, w);
    CHECK((dropped - plain).abs().maxCoeff() > 1e-3);
    CHECK((dropped - other).abs().maxCoeff() > 1e-3);
    for (isize n = 0; n < 3; ++n) {
        auto alone = net.make_workspace(1, pass::backward);
        batch<double> one(16, 1);
        net.forward({x.col(n), std::span(t).subspan(static_cast<std::size_t>(n), 1), {}, dropout_masks{7, 3, n}}, one,
                    alone);
        CHECK((one == dropped.col(n)).all());
    }
    options.dropout = 0.3;
    check_gradients(options);
}

TEST_CASE("a U-Net with doubled channels has a variance head", "[nn]") {
    nn::unet_options options = small_options();
    options.in_channels = 2;
    options.out_channels = 4;
    const nn::unet<float> net = network<float>(options);
    REQUIRE(net.has_variance_head());
    CHECK(net.shape() == sample_shape(4, 4, 2));
    const batch<float> x = random_batch<float>(32, 3, 4);
    const std::vector<double> t{1, 2, 3};
    batch<float> both(64, 3), prediction(32, 3), variance(32, 3), alone(32, 3);
    auto w = net.make_workspace(3, pass::forward);
    net.forward({x, t}, both, w);
    auto session = network_session(net, 3);
    session(x, t, model_output<float>{prediction, variance});
    session(x, t, model_output<float>{alone, {}});
    CHECK((alone == prediction).all());
    for (isize i = 0; i < 32; ++i) {
        CHECK(prediction(i, 1) == both(i / 2 * 4 + i % 2, 1));
        CHECK(variance(i, 1) == both(i / 2 * 4 + 2 + i % 2, 1));
    }
}

TEST_CASE("classes guide a predictor", "[nn]") {
    nn::unet_options options = small_options();
    options.classes = nn::unet_classes::table;
    options.class_count = 3;
    const nn::unet<float> net = network<float>(options);
    const batch<float> x = random_batch<float>(16, 2, 4);
    const std::vector<double> t{5, 6};
    const auto run = [&](const auto& predictor) {
        batch<float> out(16, 2);
        auto session = detail::make_session(predictor, 2);
        session(x, t, model_output<float>{out, {}});
        return out;
    };
    const std::vector<isize> classes{0, 1}, no_class{2}, out_of_range{3}, three{0, 1, 2};
    const auto given = conditioned(net, {.labels = classes}), none = conditioned(net, {.labels = no_class});
    const batch<float> with = run(given), without = run(none);
    CHECK((with != without).any());
    CHECK((run(guided(given, none, 1)) == with).all());
    CHECK((run(guided(given, none, 0)) == without).all());
    CHECK((run(guided(given, none, 3)) - (3 * with - 2 * without)).abs().maxCoeff() < 1e-5f);
    CHECK(guided(given, none, 3).shape() == net.shape());
    CHECK((run(conditioned(net, {.labels = three})) == with).all());
    CHECK_THROWS_AS(conditioned(net, {.labels = out_of_range}).session(2), value_error);
    batch<float> predicted(16, 3);
    CHECK_THROWS_AS(given.session(3)(random_batch<float>(16, 3, 4), std::vector<double>{1, 2, 3},
                                     model_output<float>{predicted, {}}),
                    shape_error);
}

TEST_CASE("a U-Net refuses options outside their domain, and batches that do not fit", "[nn]") {
    CHECK_THROWS_AS(nn::unet<float>({.channels = {}}), value_error);
    nn::unet_options options = small_options();
    const nn::unet<float> net(options);
    auto w = net.make_workspace(2, pass::backward), forward_only = net.make_workspace(2, pass::forward);
    batch<float> x = random_batch<float>(16, 2, 4), out(16, 2), d_out = x;
    const std::vector<double> t{1, 2}, three{1, 2, 3};
    const std::vector<isize> labels{0, 1};
    nn::unet<float> d = nn::zeros_like(net);
    CHECK_THROWS_AS(net.forward({x.topRows(15), t}, out, w), shape_error);
    CHECK_THROWS_AS(net.forward({x, three}, out, w), shape_error);
    CHECK_THROWS_AS(net.forward({x, t}, batch_view<float>(out).middle(0, 1), w), shape_error);
    CHECK_THROWS_AS(net.forward({x, t, {.labels = labels}}, out, w), shape_error);
    net.forward({x, t}, out, w);
    CHECK_THROWS_AS(net.backward({x, t}, batch_view<const float>(d_out).middle(0, 1), w, d), shape_error);
    net.forward({x, t}, out, forward_only);
    CHECK_THROWS_AS(net.backward({x, t}, d_out, forward_only, d), shape_error);
    batch<float> gaps(20, 2);
    CHECK_THROWS_AS(net.forward({gaps.topRows(16), t}, out, w), shape_error);
    batch<float> none(16, 0), nothing(16, 0);
    net.forward({none, {}}, nothing, w);
    net.backward({none, {}}, nothing, w, d);
    net.forward({x, t}, out, w);
    CHECK_NOTHROW(net.backward({x, t}, d_out, w, d));
    CHECK_THROWS_AS(net.backward({x, t}, d_out, w, d), shape_error);  // has used up the activations
    // Neither takes the gradient of the other.
    const auto refuses = [&](auto change) {
        nn::unet_options other_options = options;
        change(other_options);
        nn::unet<float> other(other_options);
        net.forward({x, t}, out, w);
        CHECK_THROWS_AS(net.backward({x, t}, d_out, w, other), shape_error);
        auto of_other = other.make_workspace(2, pass::backward);
        other.forward({x, t}, out, of_other);
        CHECK_THROWS_AS(other.backward({x, t}, d_out, of_other, d), shape_error);
    };
    refuses([](nn::unet_options& o) { o.middle = !o.middle; });
    refuses([](nn::unet_options& o) { ++o.layers; });
    refuses([](nn::unet_options& o) {
        o.channels.pop_back();
        o.down.pop_back();
        o.up.pop_back();
    });
    refuses([](nn::unet_options& o) {
        for (nn::unet_level& level : o.down) {
            level = level == nn::unet_level::attention ? nn::unet_level::plain : nn::unet_level::attention;
        }
    });
    options.classes = nn::unet_classes::table;
    options.class_count = 2;
    const nn::unet<float> with_classes(options);
    auto v = with_classes.make_workspace(2, pass::backward);
    CHECK_THROWS_AS(with_classes.forward({x, t}, out, v), shape_error);
}

TEST_CASE("a U-Net whose output has other channels than its input says so as a predictor", "[nn]") {
    nn::unet_options options = small_options();
    options.in_channels = 6;
    options.out_channels = 3;
    const nn::unet<float> net(options);
    batch<float> x = random_batch<float>(96, 1, 4), out(96, 1), right(48, 1);
    const std::vector<double> t{1};
    std::string message;
    try {
        network_session(net, 1)(x, t, model_output<float>{out, {}});
    } catch (const shape_error& e) {
        message = e.what();
    }
    CHECK(message ==
          "unet::forward: this network's output is not of its samples' shape: no predictor; expected out_channels = 6, "
          "or twice as many (a variance head), got 3");
    auto w = net.make_workspace(1, pass::backward);
    net.forward({x, t}, right, w);
    CHECK(right.isFinite().all());
    try {
        net.forward({random_batch<float>(48, 1, 4), t}, right, w);
    } catch (const shape_error& e) {
        message = e.what();
    }
    CHECK(message == "unet::forward: elements of a sample; expected 96, got 48");

    // With the other channels as maps it is one.
    options.map_channels = 3;
    const nn::unet<float> told(options);
    const auto maps = random_batch<float>(48, 1, 5);
    CHECK(told.shape() == sample_shape(4, 4, 3));
    const auto predictor = conditioned(told, {.maps = maps});
    predictor.session(1)(random_batch<float>(48, 1, 4), t, model_output<float>{right, {}});
    CHECK(right.isFinite().all());
}

}  // namespace ddpm::test
