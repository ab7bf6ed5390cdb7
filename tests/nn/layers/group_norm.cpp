// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/parallel.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/activation.hpp"
#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace ddpm::test {

namespace {

using nn::activation;

struct norm_case {
    ddpm::isize channels, groups, height, width, samples;
};

/// Memory of images, and a view of it.
template <Scalar S>
struct images {
    images(const norm_case& c, std::uint64_t seed)
        : shape(c), memory(random_batch<S>(c.channels, c.height * c.width * c.samples, seed)) {}

    [[nodiscard]] nn::feature_map<S> map() {
        return {memory.data(), shape.channels, shape.height, shape.width, shape.samples};
    }

    norm_case shape;
    batch<S> memory;
};

template <class Numbers, class Expected>
double distance(const Numbers& got, const Expected& expected) {
    double worst = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
        worst = std::max(worst, std::abs(static_cast<double>(got[static_cast<ddpm::isize>(i)]) - expected[i]));
    }
    return worst;
}

/// ((i·factor) mod modulus) / modulus · 2 − 1, as the script that made the golden numbers has it.
template <Scalar S>
void sequence(batch<S>& to, ddpm::isize factor, ddpm::isize modulus) {
    for (ddpm::isize i = 0; i < to.size(); ++i) {
        to.data()[i] = static_cast<S>(static_cast<double>(i * factor % modulus) / static_cast<double>(modulus) * 2 - 1);
    }
}

/// Everything that a layer computes from one input.
template <Scalar S>
struct run {
    run(const nn::group_norm<S>& layer, images<S> x, const images<S>& dy, const batch<S>& scale_shift, activation f)
        : y(x),
          dx(dy),
          moments(2, layer.groups * x.shape.samples),
          d_scale_shift(scale_shift.rows(), scale_shift.cols()),
          d(nn::zeros_like(layer)) {
        const batch_view<const S> given =
            scale_shift.size() > 0 ? batch_view<const S>(scale_shift) : batch_view<const S>();
        layer.forward(x.map(), f, given, y.map(), moments);
        layer.backward(x.map(), moments, f, given, dx.map(), dx.map(),
                       scale_shift.size() > 0 ? batch_view<S>(d_scale_shift) : batch_view<S>(), d);
    }

    [[nodiscard]] bool same_bits(const run& other) const {
        return (y.memory == other.y.memory).all() && (dx.memory == other.dx.memory).all() &&
               (moments == other.moments).all() && (d_scale_shift == other.d_scale_shift).all() &&
               std::ranges::equal(d.weight.values(), other.d.weight.values()) &&
               std::ranges::equal(d.bias.values(), other.d.bias.values());
    }

    images<S> y, dx;
    batch<S> moments, d_scale_shift;
    nn::group_norm<S> d;
};

}  // namespace

TEMPLATE_TEST_CASE("group_norm gives what torch's GroupNorm gives, with scale, shift and silu", "[nn]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 4e-6 : 1e-13;
    constexpr std::array expected_y{
        0.14879274031929812, 0.2905002315267414,   0.37585074222845455,  0.80794786163442,     0.14879274031929812,
        0.40199339275513163, -0.10813198921426738, -0.21092212180795558, 0.14879274031929812,  0.5223751911265264,
        2.5821175360089237,  -0.2779121257691883,  0.7778392494743694,   -0.19101586386142383, 1.267864333197055,
        0.37355878887570976, 1.119538559247867,    -0.27335707933606407, -0.1473299343631686,  2.1935906129610734,
        0.08005851756149818, -0.27819762282934757, -0.21394912078797812, -0.06547502007916786};
    constexpr std::array expected_dx{
        0.045254049409084736,  -0.08867783639159124, -0.3909209298702206,  0.8555642652934238,     0.02182890591645834,
        -0.026670171941114908, -0.9267614674023753,  0.9732054581178529,   -0.0015962375761680667, 0.04986129058333116,
        -0.8977503645376909,   0.3866630383990101,   -0.10038572627818805, -0.042405171754480775,  2.5786327245738088,
        -1.1579473918966445,   0.18887219957668983,  -0.11200736468614518, -0.09827231467679287,   0.4562762361453825,
        0.21200648755210716,   -0.146080424409983,   -0.4719269070475488,  -1.306762347098205};
    constexpr std::array expected_dss{
        1.0872778882217842,    0.2431412565736098,   2.4064045131200493,  1.2940017461271462,
        -1.2230884946048457,   -0.09651038119846045, 1.3036049173506967,  0.8230175020583483,
        -0.020680580786139213, 0.0480632971969696,   -1.4993413232898731, 0.33886736898563014,
        0.9160900221815305,    0.20099028749076278,  -0.9287631168800533, 0.031524785766458};
    constexpr std::array expected_dw{-0.05909978052857482, 0.29002281653952217, 0.07031042331554657,
                                     1.1501865881363602};
    constexpr std::array expected_db{0.48215264325343704, 0.1387780164558654, -0.25208050332383247, 0.8261583704479523};
    nn::group_norm<S> layer(4, 2, 1e-5);
    constexpr std::array weight{1.0, 0.5, -2.0, 1.5}, bias{0.1, -0.2, 0.3, 0.0};
    for (std::size_t i = 0; i < 4; ++i) {
        layer.weight[static_cast<ddpm::isize>(i)] = static_cast<S>(weight[i]);
        layer.bias[static_cast<ddpm::isize>(i)] = static_cast<S>(bias[i]);
    }
    images<S> x({4, 2, 1, 3, 2}, 0), dy(x);
    batch<S> scale_shift(8, 2);
    sequence(x.memory, 7, 23);
    sequence(dy.memory, 5, 17);
    sequence(scale_shift, 3, 19);
    for_each_target([&] {
        const run<S> got(layer, x, dy, scale_shift, activation::silu);
        CHECK(distance(got.y.memory.reshaped(), expected_y) <= tolerance);
        CHECK(distance(got.dx.memory.reshaped(), expected_dx) <= tolerance);
        CHECK(distance(got.d_scale_shift.reshaped(), expected_dss) <= tolerance);
        CHECK(distance(got.d.weight, expected_dw) <= tolerance);
        CHECK(distance(got.d.bias, expected_db) <= tolerance);
    });
}

TEMPLATE_TEST_CASE("group_norm is its formula on every target", "[nn]", float, double) {
    using S = TestType;
    const auto c = GENERATE(norm_case{1, 1, 1, 2, 1}, norm_case{4, 4, 3, 3, 2}, norm_case{12, 3, 2, 5, 3},
                            norm_case{64, 32, 4, 4, 2}, norm_case{300, 1, 2, 2, 2}, norm_case{600, 2, 1, 3, 2});
    const auto f = GENERATE(activation::none, activation::silu, activation::mish, activation::gelu);
    const double tolerance = std::is_same_v<S, float> ? 1e-5 : 1e-13;
    nn::group_norm<S> layer(c.channels, c.groups, 1e-5);
    disturb(layer, 0.3, 1);
    images<S> x(c, 2);
    x.memory += S(1);
    const batch<S> scale_shift = S(0.3) * random_batch<S>(2 * c.channels, c.samples, 3);
    const ddpm::isize pixels = c.height * c.width, size = c.channels / c.groups;
    for_each_target([&] {
        images<S> y(c, 4);
        batch<S> moments(2, c.groups * c.samples);
        layer.forward(x.map(), f, scale_shift, y.map(), moments);
        double worst = 0;
        for (ddpm::isize n = 0; n < c.samples; ++n) {
            for (ddpm::isize g = 0; g < c.groups; ++g) {
                const batch<double> in = x.memory.block(g * size, n * pixels, size, pixels).template cast<double>();
                const double mean = in.mean(), inverse = 1 / std::sqrt((in - mean).square().mean() + 1e-5);
                worst = std::max({worst, std::abs(static_cast<double>(moments(0, n * c.groups + g)) - mean),
                                  std::abs(static_cast<double>(moments(1, n * c.groups + g)) / inverse - 1)});
                for (ddpm::isize i = 0; i < size; ++i) {
                    const ddpm::isize channel = g * size + i;
                    for (ddpm::isize p = 0; p < pixels; ++p) {
                        double u = (in(i, p) - mean) * inverse * static_cast<double>(layer.weight[channel]) +
                                   static_cast<double>(layer.bias[channel]);
                        u = u * (1 + static_cast<double>(scale_shift(channel, n))) +
                            static_cast<double>(scale_shift(c.channels + channel, n));
                        worst = std::max(worst, std::abs(static_cast<double>(y.memory(channel, n * pixels + p)) -
                                                         exact_at(f, u).value));
                    }
                }
            }
        }
        CHECK(worst <= tolerance);
        images<S> again = x;
        layer.forward(again.map(), f, scale_shift, again.map(), moments);
        CHECK((again.memory == y.memory).all());
    });
}

TEST_CASE("group_norm in float keeps to double under a large mean", "[nn]") {
    const norm_case c{8, 2, 64, 64, 1};
    const nn::group_norm<float> layer(8, 2, 1e-5);
    images<float> x(c, 1), y(c, 2);
    x.memory += 200.0f;
    batch<float> moments(2, 2);
    layer.forward(x.map(), activation::none, {}, y.map(), moments);
    for (ddpm::isize g = 0; g < 2; ++g) {
        const batch<double> in = x.memory.middleRows(4 * g, 4).cast<double>();
        const double mean = in.mean(), inverse = 1 / std::sqrt((in - mean).square().mean() + 1e-5);
        CHECK(std::abs(static_cast<double>(moments(0, g)) / mean - 1) <= 1e-7);
        CHECK(std::abs(static_cast<double>(moments(1, g)) / inverse - 1) <= 1e-7);
        const auto bound = [&](const batch<double>& out) {
            return (0x1p-24 * (4 * (in.abs() + std::abs(mean)) * inverse + out.abs())).eval();
        };
        const batch<double> out = y.memory.middleRows(4 * g, 4).cast<double>();
        CHECK(((out - (in - mean) * inverse).abs() <= bound(out)).all());
        // The mean is rounded to half a unit of 200, 8e-6.
        CHECK((y.memory.middleRows(4 * g, 4).cast<double>() - (in - mean) * inverse).abs().maxCoeff() <= 2e-5);
    }
}

TEST_CASE("the gradients of group_norm are the central differences", "[nn]") {
    const auto c = GENERATE(norm_case{3, 1, 1, 1, 1}, norm_case{6, 3, 2, 3, 2}, norm_case{40, 2, 2, 2, 3},
                            norm_case{300, 1, 1, 2, 1});
    const auto f = GENERATE(activation::none, activation::silu, activation::mish, activation::gelu, activation::relu);
    const auto scaled = GENERATE(false, true);
    nn::group_norm<double> layer(c.channels, c.groups, 1e-5);
    disturb(layer, 0.5, 1);
    images<double> x(c, 2), y(c, 3);
    const images<double> dy(c, 4);
    x.memory = 2 * x.memory + 0.7;
    batch<double> moments(2, c.groups * c.samples),
        scale_shift = scaled ? batch<double>(0.4 * random_batch(2 * c.channels, c.samples, 5)) : batch<double>();
    const run<double> got(layer, x, dy, scale_shift, f);
    const auto loss = [&] {
        layer.forward(x.map(), f, scaled ? batch_view<const double>(scale_shift) : batch_view<const double>(), y.map(),
                      moments);
        return (y.memory * dy.memory).sum();
    };
    CHECK(gradient_error(elements(x.memory), elements(got.dx.memory), loss) < 1e-6);
    CHECK(parameter_gradient_error(layer, got.d, loss) < 1e-6);
    if (scaled) {
        CHECK(gradient_error(elements(scale_shift), elements(got.d_scale_shift), loss) < 1e-6);
    }
}

TEST_CASE("the gradients of group_norm's parameters add up, and nobody need want that of scale and shift", "[nn]") {
    const norm_case c{6, 2, 2, 2, 3};
    nn::group_norm<double> layer(6, 2, 1e-5);
    disturb(layer, 0.5, 1);
    images<double> x(c, 2), y(c, 3), dy(c, 4), dx(c, 5);
    const batch<double> scale_shift = random_batch(12, 3, 6);
    batch<double> moments(2, 6);
    const run<double> once(layer, x, dy, scale_shift, activation::silu);
    nn::group_norm<double> d = once.d;
    layer.forward(x.map(), activation::silu, scale_shift, y.map(), moments);
    layer.backward(x.map(), moments, activation::silu, scale_shift, dy.map(), dx.map(), {}, d);
    CHECK((dx.memory == once.dx.memory).all());
    // The gradient may take the place of x.
    nn::group_norm<double> ignored = nn::zeros_like(layer);
    images<double> place = x, dy_again(c, 4);
    layer.backward(place.map(), moments, activation::silu, scale_shift, dy_again.map(), place.map(), {}, ignored);
    CHECK((place.memory == once.dx.memory).all());
    CHECK((dy_again.memory == dy.memory).all());  // both have become du
    for (ddpm::isize i = 0; i < 6; ++i) {
        CHECK(d.weight[i] == 2 * once.d.weight[i]);
        CHECK(d.bias[i] == 2 * once.d.bias[i]);
    }
}

TEMPLATE_TEST_CASE("group_norm gives the same bits for every thread count and batch", "[nn]", float, double) {
    using S = TestType;
    const auto c = GENERATE(norm_case{128, 32, 16, 16, 2}, norm_case{120, 12, 40, 20, 1}, norm_case{42, 7, 30, 20, 5},
                            norm_case{320, 1, 12, 12, 3}, norm_case{1040, 2, 8, 8, 1});
    nn::group_norm<S> layer(c.channels, c.groups, 1e-5);
    disturb(layer, 0.3, 1);
    const images<S> x(c, 2), dy(c, 3);
    const batch<S> scale_shift = random_batch<S>(2 * c.channels, c.samples, 4);
    set_thread_count(1);
    const run<S> one(layer, x, dy, scale_shift, activation::silu);
    for (const ddpm::isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK(run<S>(layer, x, dy, scale_shift, activation::silu).same_bits(one));
    }
    for (ddpm::isize n = 0; n < c.samples; ++n) {
        const ddpm::isize pixels = c.height * c.width;
        images<S> alone({c.channels, c.groups, c.height, c.width, 1}, 0), d_alone(alone);
        alone.memory = x.memory.middleCols(n * pixels, pixels);
        d_alone.memory = dy.memory.middleCols(n * pixels, pixels);
        const run<S> sample(layer, alone, d_alone, scale_shift.col(n), activation::silu);
        CHECK((sample.y.memory == one.y.memory.middleCols(n * pixels, pixels)).all());
        CHECK((sample.dx.memory == one.dx.memory.middleCols(n * pixels, pixels)).all());
        CHECK((sample.moments == one.moments.middleCols(n * c.groups, c.groups)).all());
        CHECK((sample.d_scale_shift == one.d_scale_shift.col(n)).all());
    }
    set_thread_count(0);
}

TEST_CASE("group_norm of a constant image is its bias, and of no image nothing", "[nn]") {
    const nn::group_norm<float> layer(8, 2, 1e-5);
    images<float> x({8, 2, 3, 3, 1}, 1), none({8, 2, 3, 3, 0}, 1);
    x.memory = 3.0f;
    batch<float> moments(2, 2);
    layer.forward(x.map(), activation::silu, {}, x.map(), moments);
    CHECK(x.memory.abs().maxCoeff() <= 5e-5f);  // 1/σ is 316 here: half a unit of 949
    nn::group_norm<float> d = nn::zeros_like(layer);
    layer.forward(none.map(), activation::silu, {}, none.map(), {moments.data(), 2, 0});
    layer.backward(none.map(), {moments.data(), 2, 0}, activation::silu, {}, none.map(), none.map(), {}, d);
    CHECK(d.weight[0] == 0.0f);
}

TEST_CASE("group_norm refuses groups that do not divide the channels, and a negative eps", "[nn]") {
    CHECK_THROWS_AS(nn::group_norm<float>(6, 4, 1e-5), value_error);
    CHECK_THROWS_AS(nn::group_norm<float>(6, 0, 1e-5), value_error);
    CHECK_THROWS_AS(nn::group_norm<float>(6, -1, 1e-5), value_error);
    CHECK_THROWS_AS(nn::group_norm<float>(6, 3, -1e-5), value_error);
    CHECK_NOTHROW(nn::group_norm<float>(6, 3, 0));
}

TEST_CASE("group_norm refuses shapes that do not fit", "[nn]") {
    const nn::group_norm<float> layer(6, 2, 1e-5);
    nn::group_norm<float> d = nn::zeros_like(layer);
    images<float> x({6, 2, 2, 3, 2}, 1), more({8, 2, 2, 3, 2}, 2), tall({6, 2, 3, 2, 2}, 3);
    batch<float> moments(2, 4), few(2, 3), scale_shift(12, 2), short_shift(6, 2), one_shift(12, 1);
    const auto none = activation::none;
    CHECK_THROWS_AS(layer.forward(more.map(), none, {}, x.map(), moments), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map(), none, {}, more.map(), moments), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map(), none, {}, tall.map(), moments), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map(), none, {}, x.map(), few), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map(), none, short_shift, x.map(), moments), shape_error);
    CHECK_THROWS_AS(layer.forward(x.map(), none, one_shift, x.map(), moments), shape_error);
    CHECK_THROWS_AS(layer.backward(more.map(), moments, none, {}, x.map(), x.map(), {}, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), few, none, {}, x.map(), x.map(), {}, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, short_shift, x.map(), x.map(), {}, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, {}, tall.map(), x.map(), {}, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, {}, x.map(), tall.map(), {}, d), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, scale_shift, x.map(), x.map(), short_shift, d), shape_error);
    nn::group_norm<float> empty, other(4, 2, 1e-5), no_bias = d, no_weight = d;
    no_bias.bias = {};
    no_weight.weight = {};
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, {}, x.map(), x.map(), {}, empty), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, {}, x.map(), x.map(), {}, other), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, {}, x.map(), x.map(), {}, no_bias), shape_error);
    CHECK_THROWS_AS(layer.backward(x.map(), moments, none, {}, x.map(), x.map(), {}, no_weight), shape_error);
    CHECK_NOTHROW(layer.backward(x.map(), moments, none, {}, x.map(), x.map(), {}, d));
}

}  // namespace ddpm::test
