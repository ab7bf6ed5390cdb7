// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/torch_order.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

/// A feature map that owns its memory: random, or all of one value.
template <Scalar S>
struct image {
    image(ddpm::isize channels, ddpm::isize height, ddpm::isize width, ddpm::isize samples, std::uint64_t seed)
        : values(random_batch<S>(channels * height * width, samples, seed)),
          map{values.data(), channels, height, width, samples} {}
    image(const image& other) : values(other.values), map(other.map) { map.data = values.data(); }
    template <Scalar Other>
    explicit image(const image<Other>& other)
        : values(other.values.template cast<S>()),
          map{values.data(), other.map.channels, other.map.height, other.map.width, other.map.samples} {}

    static image like(const nn::conv2d<S>& layer, const image& x, S value) {
        image y(layer.outputs(), layer.output_size(x.map.height), layer.output_size(x.map.width), x.map.samples, 0);
        y.values = value;
        return y;
    }

    batch<S> values;
    nn::feature_map<S> map;
};

struct layout {
    ddpm::isize inputs, outputs, kernel, stride;
    nn::conv_padding padding;
    ddpm::isize height, width, samples;
};

constexpr nn::conv_padding symmetric = nn::conv_padding::symmetric, after = nn::conv_padding::after;

template <Scalar S>
nn::conv2d<S> layer_of(const layout& l) {
    nn::conv2d<S> layer(l.inputs, l.outputs, l.kernel, l.stride, l.padding);
    disturb(layer, 0.4, 7);
    return layer;
}

/// Calls f(output element, weight element, input element) for every product of a convolution.
template <Scalar S, class F>
void for_each_product(const nn::conv2d<S>& layer, const nn::feature_map<S>& x, const nn::feature_map<S>& y, F&& f) {
    const ddpm::isize before = layer.padding == symmetric ? layer.kernel() / 2 : 0, k = layer.kernel();
    for (ddpm::isize n = 0; n < y.samples; ++n) {
        for (ddpm::isize p = 0; p < y.pixels(); ++p) {
            for (ddpm::isize a = 0; a < k * k; ++a) {
                const ddpm::isize h = p / y.width * layer.stride + a / k - before;
                const ddpm::isize w = p % y.width * layer.stride + a % k - before;
                if (h < 0 || w < 0 || h >= x.height || w >= x.width) {
                    continue;
                }
                for (ddpm::isize i = 0; i < x.channels; ++i) {
                    for (ddpm::isize o = 0; o < y.channels; ++o) {
                        f((n * y.pixels() + p) * y.channels + o, (a * x.channels + i) * y.channels + o,
                          ((n * x.height + h) * x.width + w) * x.channels + i);
                    }
                }
            }
        }
    }
}

/// W * x + bias + sample_bias in double.
template <Scalar S>
std::vector<double> reference(const nn::conv2d<S>& layer, const nn::feature_map<S>& x, const nn::feature_map<S>& y,
                              const batch<S>& sample_bias) {
    std::vector<double> sum(static_cast<std::size_t>(y.size()));
    for (ddpm::isize i = 0; i < y.size(); ++i) {
        sum[static_cast<std::size_t>(i)] =
            static_cast<double>(layer.bias[i % y.channels]) +
            static_cast<double>(sample_bias(i % y.channels, i / (y.channels * y.pixels())));
    }
    for_each_product(layer, x, y, [&](ddpm::isize out, ddpm::isize weight, ddpm::isize in) {
        sum[static_cast<std::size_t>(out)] +=
            static_cast<double>(layer.weight[weight]) * static_cast<double>(x.data[in]);
    });
    return sum;
}

template <Scalar S>
double largest_difference(const S* got, const std::vector<double>& expected) {
    double difference = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        difference = std::max(difference, distance_of(static_cast<double>(got[i]), expected[i]));
    }
    return difference;
}

template <Scalar S>
constexpr double tolerance = sizeof(S) == 4 ? 1e-4 : 1e-12;

/// The largest error allowed: for Winograd's algorithm 2e-5 of the largest number, otherwise the tolerance.
template <Scalar S>
double allowed(const nn::conv2d<S>& layer, const image<S>& y, const std::vector<double>& expected) {
    double largest = 0;
    for (const double x : expected) {
        largest = std::max(largest, std::abs(x));
    }
    return layer.winograd_outputs(y.map.height, y.map.width) == 0 ? tolerance<S> : 2e-5 * largest;
}

struct scoped_threads {
    explicit scoped_threads(ddpm::isize count) { set_thread_count(count); }
    scoped_threads(const scoped_threads&) = delete;
    scoped_threads& operator=(const scoped_threads&) = delete;
    ~scoped_threads() { set_thread_count(0); }
};

/// One after another, layouts of every kernel, stride, padding and unusual size.
std::vector<layout> layouts() {
    std::vector<layout> all;
    for (const ddpm::isize kernel : {1, 3, 5}) {
        for (const ddpm::isize stride : {1, 2, 3}) {
            for (const nn::conv_padding padding : {symmetric, after}) {
                constexpr std::array<ddpm::isize, 5> channels{1, 3, 17, 40, 1};
                for (std::size_t c = 0; c + 1 < channels.size(); ++c) {
                    all.push_back({channels[c], channels[c + 1], kernel, stride, padding, 7, 5, 3});
                    all.push_back({channels[c], channels[c + 1], kernel, stride, padding, 4, 12, 2});
                }
            }
        }
    }
    all.push_back({40, 17, 3, 1, symmetric, 1, 1, 5});
    all.push_back({3, 17, 3, 1, symmetric, 1, 9, 2});
    all.push_back({17, 3, 3, 2, symmetric, 2, 1, 2});
    all.push_back({100, 70, 3, 1, symmetric, 8, 8, 5});  // several slabs of depth, several tiles
    all.push_back({100, 70, 3, 2, after, 16, 14, 3});
    // By Winograd's algorithm in float, with tiles of 4 × 4 and of 2 × 2 outputs.
    all.push_back({32, 64, 3, 1, symmetric, 15, 14, 2});
    all.push_back({64, 32, 3, 1, symmetric, 8, 7, 3});
    all.push_back({48, 40, 3, 1, symmetric, 8, 8, 1});
    // Whose channels are no whole blocks, so that the gradients are computed directly.
    all.push_back({32, 33, 3, 1, symmetric, 8, 8, 2});
    all.push_back({32, 34, 3, 1, symmetric, 16, 15, 1});
    all.push_back({64, 40, 3, 1, symmetric, 16, 16, 1});
    return all;
}

}  // namespace

TEMPLATE_TEST_CASE("conv2d is the sum over the kernel, with zeros outside the image", "[nn]", float, double) {
    using S = TestType;
    for (const layout& l : layouts()) {
        if (l.kernel > l.height + (l.padding == after ? 1 : l.kernel / 2 * 2)) {
            continue;
        }
        CAPTURE(l.inputs, l.outputs, l.kernel, l.stride, l.padding == after, l.height, l.width, l.samples);
        const nn::conv2d<S> layer = layer_of<S>(l);
        const image<S> x(l.inputs, l.height, l.width, l.samples, 1);
        image<S> y = image<S>::like(layer, x, std::numeric_limits<S>::quiet_NaN());
        const batch<S> none = batch<S>::Zero(l.outputs, l.samples), more = random_batch<S>(l.outputs, l.samples, 2);
        const std::vector<double> plain = reference(layer, x.map, y.map, none);

        const double bound = allowed(layer, y, plain);
        layer.forward(x.map, y.map);
        CHECK(largest_difference(y.values.data(), plain) <= bound);

        y.values = std::numeric_limits<S>::quiet_NaN();
        layer.forward(x.map, y.map, more);
        CHECK(largest_difference(y.values.data(), reference(layer, x.map, y.map, more)) <= bound);

        const image<S> old(y.map.channels, y.map.height, y.map.width, l.samples, 3);
        y.values = old.values;
        layer.forward_add(x.map, y.map);
        y.values -= old.values;
        CHECK(largest_difference(y.values.data(), plain) <= bound);
    }
}

TEMPLATE_TEST_CASE("conv2d's gradients are the adjoint sums", "[nn]", float, double) {
    using S = TestType;
    for (const layout& l : layouts()) {
        if (l.kernel > l.height + (l.padding == after ? 1 : l.kernel / 2 * 2)) {
            continue;
        }
        CAPTURE(l.inputs, l.outputs, l.kernel, l.stride, l.padding == after, l.height, l.width, l.samples);
        const nn::conv2d<S> layer = layer_of<S>(l);
        const image<S> x(l.inputs, l.height, l.width, l.samples, 1);
        const image<S> y = image<S>::like(layer, x, S(0));
        const image<S> dy(y.map.channels, y.map.height, y.map.width, l.samples, 4);
        image<S> dx = x;
        dx.values = std::numeric_limits<S>::quiet_NaN();

        std::vector<double> expected_x(static_cast<std::size_t>(x.map.size()));
        std::vector<double> expected_w(layer.weight.values().size(), 1.0), expected_b(layer.bias.values().size(), 1.0);
        for_each_product(layer, x.map, dy.map, [&](ddpm::isize out, ddpm::isize weight, ddpm::isize in) {
            const double gradient = static_cast<double>(dy.map.data[out]);
            expected_x[static_cast<std::size_t>(in)] += gradient * static_cast<double>(layer.weight[weight]);
            expected_w[static_cast<std::size_t>(weight)] += gradient * static_cast<double>(x.map.data[in]);
        });
        for (ddpm::isize i = 0; i < dy.map.size(); ++i) {
            expected_b[static_cast<std::size_t>(i % l.outputs)] += static_cast<double>(dy.map.data[i]);
        }

        nn::conv2d<S> d = nn::zeros_like(layer);
        for (auto& p : nn::parameters(d)) {
            std::fill(p.values.begin(), p.values.end(), S{1});  // the parameters' gradients are added
        }
        nn::conv2d<S> e = d;
        layer.backward(x.map, dy.map, dx.map, d);
        CHECK(largest_difference(dx.values.data(), expected_x) <= allowed(layer, x, expected_x));
        CHECK(largest_difference(d.weight.data(), expected_w) <= 2 * allowed(layer, x, expected_w));
        CHECK(largest_difference(d.bias.data(), expected_b) <= 2 * tolerance<S>);

        layer.backward(x.map, dy.map, {}, e);  // nobody needs the input's
        CHECK(std::equal(d.weight.values().begin(), d.weight.values().end(), e.weight.values().begin()));
        CHECK(std::equal(d.bias.values().begin(), d.bias.values().end(), e.bias.values().begin()));

        image<S> alone = dx, place = x;
        alone.values = std::numeric_limits<S>::quiet_NaN();
        layer.backward_input(dy.map, alone.map);
        CHECK((alone.values == dx.values).all());
        nn::conv2d<S> f = nn::zeros_like(layer), g = f;
        layer.backward(x.map, dy.map, dx.map, f);
        layer.backward(place.map, dy.map, place.map, g);  // the gradient takes the place of x
        CHECK((place.values == dx.values).all());
        CHECK(std::equal(f.weight.values().begin(), f.weight.values().end(), g.weight.values().begin()));
    }
}

TEST_CASE("the gradients of conv2d are the central differences", "[nn]") {
    const layout l = GENERATE(layout{3, 5, 3, 1, symmetric, 5, 4, 2}, layout{4, 3, 3, 2, after, 6, 5, 2},
                              layout{2, 4, 3, 2, symmetric, 5, 7, 1}, layout{5, 3, 1, 1, symmetric, 3, 4, 2});
    nn::conv2d<double> layer = layer_of<double>(l);
    image<double> x(l.inputs, l.height, l.width, l.samples, 1);
    image<double> y = image<double>::like(layer, x, 0), dx = x;
    const image<double> dy(y.map.channels, y.map.height, y.map.width, l.samples, 4);
    const auto loss = [&] {
        layer.forward(x.map, y.map);
        return (y.values * dy.values).sum();
    };
    nn::conv2d<double> d = nn::zeros_like(layer);
    layer.backward(x.map, dy.map, dx.map, d);
    CHECK(gradient_error(elements(x.values), elements(dx.values), loss) < 1e-6);
    CHECK(parameter_gradient_error(layer, d, loss) < 1e-6);
}

TEMPLATE_TEST_CASE("conv2d gives what torch's conv2d gives", "[nn]", float, double) {
    // torch.nn.functional.conv2d of x[n, i, h, w] = sin(1 + i + 2 h + 3 w), weights cos(7 o + 3 i + 2 a + b) and bias
    // 0.5 − o, after pad(x, (0, 1, 0, 1)) at stride 2, and with padding 1 at stride 1.
    using S = TestType;
    const bool strided = GENERATE(true, false);
    nn::conv2d<S> layer(2, 2, 3, strided ? 2 : 1, strided ? after : symmetric);
    nn::for_each_place(layer.weight.shape(), layer.weight.order(), [&](ddpm::isize torch, ddpm::isize memory) {
        const ddpm::isize o = torch / 18, i = torch / 9 % 2, a = torch / 3 % 3, b = torch % 3;
        layer.weight[memory] = static_cast<S>(std::cos(static_cast<double>(7 * o + 3 * i + 2 * a + b)));
    });
    layer.bias[0] = S(0.5);
    layer.bias[1] = S(-0.5);
    image<S> x(2, 4, 3, 1, 0);
    for (ddpm::isize k = 0; k < 24; ++k) {
        x.map.data[k] = static_cast<S>(std::sin(static_cast<double>(1 + k % 2 + 2 * (k / 6) + 3 * (k / 2 % 3))));
    }
    image<S> y = image<S>::like(layer, x, S(0));
    layer.forward(x.map, y.map);
    const std::vector<double> after_golden{0.786474556425665, 0.404644387045965, -0.20981959704159, -0.749660512916315};
    const std::vector<double> symmetric_golden{
        -0.404967271395512, 0.606429854073862, 1.71647035306638,   0.55790065449218,    0.786474556425665,
        -0.768476656337197, 2.14979647416161,  0.277763174011209,  -0.0948440964700902, -0.229045067266151,
        0.404644387045965,  1.36971728083572,  -0.704091093284432, -0.53913364479315,   0.576536805896803,
        -1.54842871516737,  -0.20981959704159, -0.763131655171015, 1.16366134804715,    -0.574235595639478,
        -2.06293249888869,  -0.70799186291531, -0.749660512916315, 0.241408085380246};
    const std::vector<double>& expected = strided ? after_golden : symmetric_golden;
    REQUIRE(y.map.size() == static_cast<ddpm::isize>(expected.size()));
    for (ddpm::isize k = 0; k < y.map.size(); ++k) {
        const ddpm::isize o = k % 2, p = k / 2;  // torch: (o, h, w)
        const double torch = expected[static_cast<std::size_t>(o * y.map.pixels() + p)];
        CHECK(std::abs(static_cast<double>(y.map.data[k]) - torch) <= (sizeof(S) == 4 ? 2e-6 : 1e-13));
    }
}

TEMPLATE_TEST_CASE("conv2d has the same bits on any number of threads", "[nn]", float, double) {
    using S = TestType;
    const layout l = GENERATE(layout{48, 70, 3, 1, symmetric, 8, 8, 6}, layout{33, 40, 3, 2, after, 9, 12, 4},
                              layout{64, 96, 1, 1, symmetric, 8, 8, 4}, layout{150, 130, 3, 1, symmetric, 4, 4, 1},
                              layout{3, 64, 3, 1, symmetric, 16, 16, 3}, layout{64, 32, 3, 1, symmetric, 16, 16, 3},
                              layout{32, 96, 3, 1, symmetric, 8, 8, 5});
    const nn::conv2d<S> layer = layer_of<S>(l);
    const image<S> x(l.inputs, l.height, l.width, l.samples, 1);
    const image<S> empty = image<S>::like(layer, x, S(1));
    const image<S> dy(empty.map.channels, empty.map.height, empty.map.width, l.samples, 4);
    const batch<S> more = random_batch<S>(l.outputs, l.samples, 2);
    struct results {
        batch<S> plain, biased, added, dx;
        nn::conv2d<S> d;
    };
    const auto run = [&] {
        image<S> y = empty, z = empty, sum = empty, dx = x;
        nn::conv2d<S> d = nn::zeros_like(layer);
        layer.forward(x.map, y.map);
        layer.forward(x.map, z.map, more);
        layer.forward_add(x.map, sum.map);
        layer.backward(x.map, dy.map, dx.map, d);
        return results{y.values, z.values, sum.values, dx.values, d};
    };
    const results expected = [&] {
        const scoped_threads one(1);
        return run();
    }();
    for (const ddpm::isize threads : {2, 3, 7}) {
        const scoped_threads several(threads);
        const results got = run();
        CHECK((got.plain == expected.plain).all());
        CHECK((got.biased == expected.biased).all());
        CHECK((got.added == expected.added).all());
        CHECK((got.dx == expected.dx).all());
        const auto weights = got.d.weight.values(), biases = got.d.bias.values();
        CHECK(std::equal(weights.begin(), weights.end(), expected.d.weight.values().begin()));
        CHECK(std::equal(biases.begin(), biases.end(), expected.d.bias.values().begin()));
    }
}

TEMPLATE_TEST_CASE("a sample through conv2d does not depend on its neighbours", "[nn]", float, double) {
    using S = TestType;
    const layout l = GENERATE(layout{37, 29, 3, 1, symmetric, 5, 5, 9}, layout{37, 29, 3, 2, after, 6, 4, 9},
                              layout{37, 29, 1, 1, symmetric, 5, 5, 9}, layout{40, 3, 3, 1, symmetric, 7, 5, 9},
                              layout{32, 32, 3, 1, symmetric, 16, 16, 9}, layout{32, 64, 3, 1, symmetric, 8, 8, 9});
    const nn::conv2d<S> layer = layer_of<S>(l);
    const image<S> x(l.inputs, l.height, l.width, l.samples, 1);
    const batch<S> more = random_batch<S>(l.outputs, l.samples, 2);
    image<S> all = image<S>::like(layer, x, S(0)), dx = x;
    const image<S> dy(all.map.channels, all.map.height, all.map.width, l.samples, 4);
    nn::conv2d<S> d = nn::zeros_like(layer);
    layer.forward(x.map, all.map, more);
    layer.backward(x.map, dy.map, dx.map, d);
    for (const ddpm::isize n : {0, 4, 8}) {
        batch<S> one(all.values.rows(), 1), one_dx(x.values.rows(), 1);
        nn::feature_map<S> y = all.map.sample(n), dx_one = dx.map.sample(n);
        y.data = one.data();
        dx_one.data = one_dx.data();
        layer.forward(x.map.sample(n), y, batch_view<const S>(more).middle(n, 1));
        layer.backward(x.map.sample(n), dy.map.sample(n), dx_one, d);
        CHECK((one == all.values.col(n)).all());
        CHECK((one_dx == dx.values.col(n)).all());
    }
}

TEST_CASE("conv2d works on every instruction set", "[nn]") {
    const layout l = GENERATE(layout{20, 35, 3, 1, symmetric, 6, 7, 2}, layout{32, 64, 3, 1, symmetric, 13, 14, 2},
                              layout{32, 32, 3, 1, symmetric, 8, 8, 2}, layout{32, 36, 3, 1, symmetric, 16, 16, 1});
    const nn::conv2d<float> layer = layer_of<float>(l);
    nn::conv2d<double> exact = layer_of<double>(l);
    std::copy_n(layer.weight.data(), layer.weight.size(), exact.weight.data());
    const image<float> x(l.inputs, l.height, l.width, l.samples, 1), dy(l.outputs, l.height, l.width, l.samples, 2);
    const image<double> x2(x), dy2(dy);
    image<double> dx2 = x2, y2 = dy2;
    nn::conv2d<double> d2 = nn::zeros_like(exact);
    std::copy_n(layer.bias.data(), layer.bias.size(), exact.bias.data());
    exact.forward(x2.map, y2.map);
    exact.backward(x2.map, dy2.map, dx2.map, d2);
    const auto numbers = [](const double* first, ddpm::isize count) {
        return std::vector<double>(first, first + count);
    };
    const auto y3 = numbers(y2.values.data(), y2.map.size()), dx3 = numbers(dx2.values.data(), dx2.map.size()),
               weights = numbers(d2.weight.data(), d2.weight.size());
    for_each_target([&] {
        image<float> y = image<float>::like(layer, x, 0.0f), dx = x;
        nn::conv2d<float> d = nn::zeros_like(layer);
        layer.forward(x.map, y.map);
        layer.backward(x.map, dy.map, dx.map, d);
        CHECK(largest_difference(y.values.data(), y3) <= allowed(layer, y, y3));
        CHECK(largest_difference(dx.values.data(), dx3) <= allowed(layer, y, dx3));
        CHECK(largest_difference(d.weight.data(), weights) <= allowed(layer, y, weights));
    });
}

TEST_CASE("conv2d is computed by Winograd's algorithm where it is faster and may be", "[nn]") {
    nn::conv2d<float> layer(64, 32, 3);
    CHECK(layer.winograd_outputs(16, 16) == 4);
    CHECK(layer.winograd_outputs(13, 13) == 4);
    CHECK(layer.winograd_outputs(12, 12) == 2);
    CHECK(layer.winograd_outputs(8, 7) == 2);
    CHECK(layer.winograd_outputs(6, 6) == 0);
    CHECK(layer.winograd_outputs(1, 100) == 0);
    CHECK(layer.winograd_outputs(2, 100) == 4);
    CHECK(layer.winograd_outputs(6, 5) == 0);
    layer.winograd = false;
    CHECK(layer.winograd_outputs(16, 16) == 0);
    CHECK(nn::conv2d<double>(64, 32, 3).winograd_outputs(16, 16) == 0);
    CHECK(nn::conv2d<float>(64, 32, 3, 2).winograd_outputs(16, 16) == 0);
    CHECK(nn::conv2d<float>(64, 32, 5).winograd_outputs(16, 16) == 0);
    CHECK(nn::conv2d<float>(64, 32, 3, 1, after).winograd_outputs(16, 16) == 0);
    CHECK(nn::conv2d<float>(16, 32, 3).winograd_outputs(16, 16) == 0);
    CHECK(nn::conv2d<float>(40, 32, 3).winograd_outputs(16, 16) == 0);
    CHECK(nn::conv2d<float>(64, 31, 3).winograd_outputs(16, 16) == 0);
}

TEST_CASE("conv2d takes a batch of no samples", "[nn]") {
    const bool winograd = GENERATE(false, true);
    const ddpm::isize inputs = winograd ? 32 : 2, outputs = winograd ? 64 : 3, size = winograd ? 16 : 4;
    const nn::conv2d<float> layer(inputs, outputs, 3);
    nn::conv2d<float> d = layer;
    const nn::feature_map<float> x{nullptr, inputs, size, size, 0}, y{nullptr, outputs, size, size, 0};
    layer.forward(x, y);
    layer.forward_add(x, y);
    layer.backward(x, y, x, d);
    CHECK(std::all_of(d.weight.values().begin(), d.weight.values().end(), [](float v) { return v == 0; }));
}

TEST_CASE("conv2d says how large its output is", "[nn]") {
    using layer = nn::conv2d<float>;
    CHECK(layer(1, 1, 3).output_size(8) == 8);
    CHECK(layer(1, 1, 5).output_size(1) == 1);
    CHECK(layer(1, 1, 3, 2).output_size(8) == 4);
    CHECK(layer(1, 1, 3, 2).output_size(7) == 4);
    CHECK(layer(1, 1, 3, 2, after).output_size(8) == 4);
    CHECK(layer(1, 1, 3, 2, after).output_size(7) == 3);
    CHECK(layer(1, 1, 1, 2).output_size(7) == 4);
    CHECK_THROWS_AS(layer(1, 1, 1).output_size(0), shape_error);
    CHECK_THROWS_AS(layer(1, 1, 3).output_size(0), shape_error);
    CHECK_THROWS_AS(layer(1, 1, 3, 2, after).output_size(1), shape_error);
    CHECK_THROWS_AS(layer(1, 1, 1).output_size(-1), shape_error);
}

TEST_CASE("conv2d refuses what does not fit", "[nn]") {
    CHECK_THROWS_AS(nn::conv2d<float>(1, 1, 2), value_error);
    CHECK_THROWS_AS(nn::conv2d<float>(1, 1, -1), base_error);
    CHECK_THROWS_AS(nn::conv2d<float>(1, 1, 3, 0), value_error);
    const nn::conv2d<float> layer(3, 2, 3, 2);
    nn::conv2d<float> d = layer;
    image<float> x(3, 6, 4, 2, 1), y(2, 3, 2, 2, 1), wrong(3, 3, 2, 2, 1), tall(2, 4, 2, 2, 1), tiny(3, 0, 4, 2, 1);
    const batch<float> bias(2, 2), wrong_bias(2, 3);
    CHECK_NOTHROW(layer.forward(x.map, y.map, bias));
    CHECK_THROWS_AS(layer.forward(y.map, y.map), shape_error);
    CHECK_THROWS_AS(layer.forward(tiny.map, y.map), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map, wrong.map), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map, tall.map), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map, y.map.sample(0)), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map, y.map, wrong_bias), shape_error);
    CHECK_THROWS_AS(layer.forward_add(y.map, y.map), shape_error);
    CHECK_THROWS_AS(layer.forward_add(x.map, wrong.map), shape_error);
    CHECK_THROWS_AS(layer.backward(y.map, y.map, x.map, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map, wrong.map, x.map, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map, y.map, wrong.map, d), shape_error);
    CHECK_THROWS_AS(layer.backward_input(y.map, wrong.map), shape_error);
    CHECK_THROWS_AS(layer.backward_input(wrong.map, x.map), shape_error);
    nn::conv2d<float> empty, other(3, 2, 1), no_bias = d;
    no_bias.bias = {};
    CHECK_THROWS_AS(layer.backward(x.map, y.map, x.map, empty), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map, y.map, x.map, other), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map, y.map, x.map, no_bias), shape_error);
    CHECK_NOTHROW(layer.backward(x.map, y.map, x.map, d));
}

}  // namespace ddpm::test
