// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The MLP and the U-Net with all that they can be told at once, each form told, absent, or not told at all.

#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/networks/mlp.hpp>
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/networks/unet_size.hpp>
#include <ddpm/predictor/conditioned.hpp>
#include <ddpm/predictor/network_session.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/conditions.hpp"
#include "support/gradient_check.hpp"
#include "support/small_unet_options.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

template <Scalar S>
nn::mlp<S> every_form_mlp(bool learned_null, bool variance_head = false) {
    nn::mlp<S> net{{.dim = 4,
                    .hidden = 7,
                    .blocks = 2,
                    .embedding = 6,
                    .variance_head = variance_head,
                    .classes = 3,
                    .vector = 2,
                    .map_channels = 2,
                    .learned_null = learned_null}};
    disturb(net, 0.3, 3);
    return net;
}

nn::unet_options every_form_options(bool learned_null) {
    nn::unet_options options = small_unet_options();
    options.in_channels = 3;
    options.map_channels = 2;
    options.classes = nn::unet_classes::table;
    options.class_count = 3;
    options.vector = 2;
    options.learned_null = learned_null;
    return options;
}

template <Scalar S>
nn::unet<S> every_form_unet(bool learned_null, nn::unet_options options) {
    options.learned_null = learned_null;
    nn::unet<S> net(options);
    disturb(net, 0.2, 3);
    return net;
}

/// The ways in which three samples are told: all, some without a form, or none of what need not be told.
struct told_ways {
    some_conditions<double> given;
    std::vector<condition_forms> absent;
    std::vector<condition<double>> ways;

    template <class Net>
    told_ways(const Net& net, isize samples)
        : given(net.takes(), sample_shape(net.shape()).height * sample_shape(net.shape()).width, samples) {
        constexpr auto vector = static_cast<condition_forms>(condition_form::vector);
        constexpr auto map = static_cast<condition_forms>(condition_form::map);
        ways.push_back(given.all());
        if (net.takes().learned == 0) {
            return;
        }
        for (isize n = 0; n < samples; ++n) {
            const condition_forms cycle[] = {vector, map, static_cast<condition_forms>(vector | map), 0};
            absent.push_back(cycle[n % 4]);
        }
        ways.push_back(given.all());
        ways.back().absent = absent;
        ways.push_back({.labels = given.labels});
        ways.push_back({.labels = given.labels, .vectors = given.vectors, .absent = absent});
    }
};

/// All gradients of sum(out · dout) against central differences. Those of one parameter are measured beside the largest
/// of all, since what stands for nothing may have none.
template <class Net>
void check_every_gradient(Net net, isize outputs) {
    const isize samples = 3;
    const told_ways told(net, samples);
    batch<double> x = random_batch(sample_shape(net.shape()).size(), samples, 2), dx(x.rows(), samples);
    const batch<double> dout = random_batch(outputs, samples, 5);
    batch<double> out(outputs, samples);
    const std::vector<double> t{3, 40, 11};
    for (const pass serves : {pass::backward, pass::recompute}) {
        for (std::size_t way = 0; way < told.ways.size(); ++way) {
            INFO("way " << way);
            const network_input<double> in{x, t, told.ways[way]};
            auto w = net.make_workspace(samples, serves);
            const auto loss = [&] {
                net.forward(in, out, w);
                return (out * dout).sum();
            };
            static_cast<void>(loss());
            Net d = nn::zeros_like(net), without_dx = nn::zeros_like(net);
            net.backward(in, dout, w, d, batch_view<double>(dx));
            static_cast<void>(loss());
            net.backward(in, dout, w, without_dx, {});
            if (serves == pass::backward) {
                CHECK(gradient_error(elements(x), elements(std::as_const(dx)), loss) < 1e-6);
            }
            double largest = 0;
            const auto values = nn::parameters(net), analytic = nn::parameters(d), again = nn::parameters(without_dx);
            for (const auto& p : analytic) {
                for (const double g : p.values) {
                    largest = std::max(largest, std::abs(g));
                }
            }
            for (std::size_t p = 0; p < values.size(); ++p) {
                INFO(values[p].name);
                CHECK(std::equal(analytic[p].values.begin(), analytic[p].values.end(), again[p].values.begin()));
                double difference = 0;
                const bool all = serves == pass::backward;
                for (std::size_t i = 0; i < values[p].values.size(); i += all ? 1 : 1 + values[p].values.size() / 3) {
                    const double numeric = central_difference(values[p].values[i], loss);
                    difference = std::max(difference, std::abs(numeric - analytic[p].values[i]));
                }
                CHECK(difference < 1e-6 * largest);
            }
        }
    }
}

/// That a learned form's gradient is not nothing where it is absent.
template <class Net>
void check_null_learns(const Net& net) {
    const told_ways told(net, 3);
    const batch<double> x = random_batch(sample_shape(net.shape()).size(), 3, 2), dout = random_batch(x.rows(), 3, 5);
    batch<double> out(x.rows(), 3);
    const std::vector<double> t{3, 40, 11};
    for (const std::size_t way : {std::size_t{0}, std::size_t{1}, std::size_t{2}}) {
        auto w = net.make_workspace(3, pass::backward);
        Net d = nn::zeros_like(net);
        const network_input<double> in{x, t, told.ways[way]};
        net.forward(in, out, w);
        net.backward(in, dout, w, d, {});
        isize nulls = 0;
        for (const auto& p : nn::parameters(d)) {
            if (p.name.ends_with("null.value")) {
                ++nulls;
                const bool any = std::any_of(p.values.begin(), p.values.end(), [](double g) { return g != 0; });
                CHECK(any == (way != 0));
            }
        }
        CHECK(nulls == 2);
    }
}

/// The bits of a sample do not depend on its neighbours, nor on the threads, nor on how it goes through.
template <class Net>
void check_samples_alone(const Net& net, isize samples) {
    using S = typename Net::scalar;
    const sample_shape shape = net.shape();
    const some_conditions<S> given(net.takes(), shape.height * shape.width, samples);
    std::vector<condition_forms> absent(static_cast<std::size_t>(samples));
    for (std::size_t n = 0; n < absent.size() && net.takes().learned != 0; ++n) {
        absent[n] = static_cast<condition_forms>(n % 4 * 2);  // none, vector, map, both
    }
    condition<S> told = given.all();
    if (net.takes().learned != 0) {
        told.absent = absent;
    }
    const batch<S> x = random_batch<S>(shape.size(), samples, 2);
    std::vector<double> t;
    for (isize n = 0; n < samples; ++n) {
        t.push_back(static_cast<double>(n * 7 % 50));
    }
    batch<S> expected(x.rows(), samples);
    set_thread_count(1);
    auto w = net.make_workspace(samples, pass::backward);
    net.forward({x, t, told}, expected, w);
    for (const isize threads : {1, 3}) {
        set_thread_count(threads);
        for (const isize length : {isize{1}, isize{5}, samples}) {
            network_session session(net, length);
            session.set_condition(told);
            batch<S> out(x.rows(), samples);
            for (isize first = 0; first < samples; first += length) {
                const isize count = std::min(length, samples - first);
                session(batch_view<const S>(x.middleCols(first, count)),
                        std::span<const double>(t).subspan(static_cast<std::size_t>(first),
                                                           static_cast<std::size_t>(count)),
                        model_output<S>{out.middleCols(first, count), {}, first});
            }
            CHECK((out == expected).all());
        }
    }
    set_thread_count(0);
}

}  // namespace

TEST_CASE("the gradients of an MLP with all forms are the central differences", "[nn]") {
    for (const bool learned_null : {false, true}) {
        check_every_gradient(every_form_mlp<double>(learned_null), 4);
    }
    check_every_gradient(every_form_mlp<double>(true, true), 8);
    check_null_learns(every_form_mlp<double>(true));
}

TEST_CASE("the gradients of a U-Net with all forms are the central differences", "[nn]") {
    for (const bool learned_null : {false, true}) {
        nn::unet_options options = every_form_options(learned_null);
        options.down = options.up = {nn::unet_level::plain};
        options.channels = {4};
        options.middle = learned_null;
        options.middle_attention = false;
        options.center_input = learned_null;
        check_every_gradient(every_form_unet<double>(learned_null, options), 16);
    }
    check_null_learns(every_form_unet<double>(true, every_form_options(true)));
}

TEMPLATE_TEST_CASE("a sample's bits depend on itself and on what it is told only", "[nn]", float, double) {
    for (const bool learned_null : {false, true}) {
        check_samples_alone(every_form_mlp<TestType>(learned_null), 60);
        check_samples_alone(every_form_unet<TestType>(learned_null, every_form_options(learned_null)), 12);
    }
}

TEST_CASE("what is absent is what the network has learned for it, whatever is told", "[nn]") {
    const auto check = [](auto net) {
        const sample_shape shape = net.shape();
        const some_conditions<double> given(net.takes(), shape.height * shape.width, 2),
            other(net.takes(), shape.height * shape.width, 2, 70);
        const batch<double> x = random_batch(shape.size(), 2, 2);
        const std::vector<double> t{3, 40};
        const auto predicted = [&](const condition<double>& told) {
            batch<double> out(x.rows(), 2);
            network_session session(net, 2);
            session(network_input<double>{x, t, told}, model_output<double>{out, {}});
            return out;
        };
        const std::vector<condition_forms> absent(2, net.takes().learned);
        condition<double> a = given.all(), b = other.all();
        a.absent = b.absent = absent;
        b.labels = a.labels;
        const batch<double> nothing = predicted({.labels = given.labels});
        CHECK((predicted(a) == nothing).all());
        CHECK((predicted(b) == nothing).all());
        CHECK((predicted(given.all()) != nothing).any());

        // The same values, told by hand.
        batch<double> vectors(2, 2), maps(2 * shape.height * shape.width, 2);
        for (const auto& p : nn::parameters(net)) {
            if (p.name == "vector_embedding.null.value") {
                vectors.colwise() = Eigen::Map<const Eigen::ArrayXd>(p.values.data(), 2);
            }
            if (p.name == "map_input.null.value") {
                for (isize i = 0; i < maps.rows(); ++i) {
                    maps.row(i) = p.values[static_cast<std::size_t>(i % 2)];
                }
            }
        }
        CHECK((predicted({.labels = given.labels, .vectors = vectors, .maps = maps}) == nothing).all());
    };
    check(every_form_mlp<double>(true));
    check(every_form_unet<double>(true, every_form_options(true)));
}

TEST_CASE("a network says what it takes, and what it has learned in place of what", "[nn]") {
    constexpr auto vector = static_cast<condition_forms>(condition_form::vector);
    constexpr auto map = static_cast<condition_forms>(condition_form::map);
    CHECK(every_form_mlp<float>(true).takes() ==
          condition_shape{.classes = 3, .vector = 2, .map_channels = 2, .learned = vector | map});
    CHECK(every_form_mlp<float>(false).takes() == condition_shape{.classes = 3, .vector = 2, .map_channels = 2});
    CHECK(nn::mlp<float>({.dim = 4}).takes() == condition_shape{});
    CHECK(nn::mlp<float>({.dim = 4, .learned_null = true}).takes() == condition_shape{});
    CHECK(nn::mlp<float>({.dim = 4, .vector = 3, .learned_null = true}).takes() ==
          condition_shape{.vector = 3, .learned = vector});
    CHECK(nn::mlp<float>({.dim = 4, .map_channels = 3, .learned_null = true}).takes() ==
          condition_shape{.map_channels = 3, .learned = map});
    CHECK(nn::unet<float>(every_form_options(true)).takes() ==
          condition_shape{.classes = 3, .vector = 2, .map_channels = 2, .learned = vector | map});
    nn::unet_options options = every_form_options(true);
    options.vector = 0;
    CHECK(nn::unet<float>(options).takes() == condition_shape{.classes = 3, .map_channels = 2, .learned = map});
    CHECK(nn::unet<float>(options).shape() == sample_shape(4, 4, 1));
    CHECK_THROWS_AS(nn::mlp<float>({.dim = 4, .classes = -1}), value_error);
    CHECK_THROWS_AS(nn::mlp<float>({.dim = 4, .vector = -1}), value_error);
    CHECK_THROWS_AS(nn::mlp<float>({.dim = 4, .map_channels = -1}), value_error);
    options.map_channels = 3;
    CHECK_THROWS_AS(nn::unet<float>(options), value_error);
    options.map_channels = -1;
    CHECK_THROWS_AS(nn::unet<float>(options), value_error);
    options = every_form_options(false);
    options.vector = -1;
    CHECK_THROWS_AS(nn::unet<float>(options), value_error);
    options.vector = 2;
    options.classes = nn::unet_classes::identity;
    CHECK_THROWS_AS(nn::unet<float>(options), value_error);
}

TEST_CASE("a U-Net that is told something has as many parameters as are counted", "[nn]") {
    for (const bool learned_null : {false, true}) {
        for (const isize vector : {0, 5}) {
            for (const isize maps : {0, 2}) {
                nn::unet_options options = every_form_options(learned_null);
                options.vector = vector;
                options.map_channels = maps;
                options.in_channels = 1 + maps;
                CHECK(nn::unet_parameter_count(options) == nn::parameter_count(nn::unet<float>(options)));
            }
        }
    }
}

TEMPLATE_TEST_CASE("an MLP's batches of what was planned for allocate nothing, whatever is told", "[nn]", float,
                   double) {
    using S = TestType;
    const isize planned = GENERATE(1, 9, 200);
    set_thread_count(1);  // others have scratch of their own
    for (const bool learned_null : {false, true}) {
        const nn::mlp<S> net = every_form_mlp<S>(learned_null);
        nn::mlp<S> d = nn::zeros_like(net);
        const some_conditions<S> given(net.takes(), 4, planned);
        const std::vector<condition_forms> absent(static_cast<std::size_t>(planned), net.takes().learned);
        batch<S> wide = random_batch<S>(6, planned, 2), wide_maps = random_batch<S>(9, planned, 3), out(4, planned),
                 dx(4, planned);
        const std::vector<double> t(static_cast<std::size_t>(planned), 3.0);
        condition<S> told = given.all();
        told.maps = wide_maps.topRows(8);  // with gaps, which are copied
        if (learned_null) {
            told.absent = absent;
        }
        const network_input<S> in{wide.topRows(4), t, told};
        auto once = net.make_workspace(planned, pass::backward);  // the thread's own scratch
        net.forward(in, out, once);
        net.backward(in, out, once, d, dx);
        auto w = net.make_workspace(planned, pass::forward), of_backward = net.make_workspace(planned, pass::backward);
        const std::size_t before = allocations;
        net.forward(in, out, w);
        net.forward(in.middle(0, 1), out.leftCols(1), w);
        CHECK(allocations == before);
        net.forward(in, out, of_backward);
        net.backward(in, out, of_backward, d, dx);
        CHECK(allocations == before);
    }
    set_thread_count(0);
}

}  // namespace ddpm::test
