// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// Gradients of the layers with parameters against central differences, for shapes that nobody chose.

#include <ddpm/nn/layers/attention.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/layers/layer_norm.hpp>
#include <ddpm/nn/memory/arena.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/random/noise.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/layer_gradients.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace ddpm::test {

namespace {

/// Draws shapes, the same on every machine.
class shape_draws {
public:
    explicit shape_draws(std::uint64_t seed) : noise_(seed, static_cast<noise_stream>(first_user_stream + 1)) {}

    /// An integer from least to most.
    [[nodiscard]] isize between(isize least, isize most) {
        return least + noise_.below(most - least + 1, 0, 0, drawn_++);
    }

    /// A divisor of n.
    [[nodiscard]] isize divisor(isize n) {
        isize d = between(1, n);
        while (n % d != 0) {
            --d;
        }
        return d;
    }

private:
    philox_noise noise_;
    isize drawn_ = 0;
};

}  // namespace

TEST_CASE("the gradients of dense are the central differences for random shapes", "[nn]") {
    shape_draws draw(1);
    for (std::uint64_t i = 0; i < 40; ++i) {
        const isize inputs = draw.between(1, 70), outputs = draw.between(1, 70), samples = draw.between(1, 9);
        CAPTURE(i, inputs, outputs, samples);
        nn::dense<double> layer(inputs, outputs);
        disturb(layer, 0.5, i);
        batch<double> x = random_batch(inputs, samples, 100 + i);
        const batch<double> dy = random_batch(outputs, samples, 200 + i);
        check_layer_gradients(
            layer, x, dy, [&](batch<double>& y) { layer.forward(x, y); },
            [&](batch<double>& dx, nn::dense<double>& d) { layer.backward(x, dy, dx, d); });
    }
}

TEST_CASE("the gradients of conv2d are the central differences for random shapes", "[nn]") {
    shape_draws draw(2);
    for (std::uint64_t i = 0; i < 60; ++i) {
        const isize inputs = draw.between(1, 18), outputs = draw.between(1, 18);
        const isize kernel = 2 * draw.between(0, 2) + 1, stride = draw.between(1, 3);
        const auto padding = draw.between(0, 1) == 0 ? nn::conv_padding::symmetric : nn::conv_padding::after;
        const isize least = padding == nn::conv_padding::after ? std::max<isize>(1, kernel - 1) : 1;
        const isize height = draw.between(least, 7), width = draw.between(least, 7), samples = draw.between(1, 3);
        CAPTURE(i, inputs, outputs, kernel, stride, padding == nn::conv_padding::after, height, width, samples);
        nn::conv2d<double> layer(inputs, outputs, kernel, stride, padding);
        disturb(layer, 0.4, i);
        const isize out_height = layer.output_size(height), out_width = layer.output_size(width);
        batch<double> x = random_batch(inputs, height * width * samples, 100 + i);
        const batch<double> dy = random_batch(outputs, out_height * out_width * samples, 200 + i);
        const nn::feature_map<double> x_map{x.data(), inputs, height, width, samples};
        check_layer_gradients(
            layer, x, dy,
            [&](batch<double>& y) {
                layer.forward(x_map, {y.data(), outputs, out_height, out_width, samples});
            },
            [&](batch<double>& dx, nn::conv2d<double>& d) {
                layer.backward(x_map, {dy.data(), outputs, out_height, out_width, samples},
                               {dx.data(), inputs, height, width, samples}, d);
            });
    }
}

TEST_CASE("the gradients of layer_norm are the central differences for random shapes", "[nn]") {
    shape_draws draw(3);
    for (std::uint64_t i = 0; i < 40; ++i) {
        // What is normalized has three elements at least: of two only the signs would remain, and no gradient.
        const isize size = draw.between(3, 140), samples = draw.between(1, 8);
        CAPTURE(i, size, samples);
        nn::layer_norm<double> layer(size);
        disturb(layer, 0.5, i);
        batch<double> x = 2 * random_batch(size, samples, 100 + i) + 0.7, moments(2, samples);
        const batch<double> dy = random_batch(size, samples, 200 + i);
        check_layer_gradients(
            layer, x, dy, [&](batch<double>& y) { layer.forward(x, y, moments); },
            [&](batch<double>& dx, nn::layer_norm<double>& d) { layer.backward(x, moments, dy, dx, d); });
    }
}

TEST_CASE("the gradients of group_norm are the central differences for random shapes", "[nn]") {
    using enum nn::activation;
    shape_draws draw(4);
    for (std::uint64_t i = 0; i < 50; ++i) {
        const isize channels = draw.between(1, 40), groups = draw.divisor(channels);
        const isize height = draw.between(1, 5), samples = draw.between(1, 3);
        const isize width = draw.between(channels / groups * height < 3 ? 3 : 1, 5);
        const auto f = std::array{none, silu, mish, gelu, relu}[static_cast<std::size_t>(draw.between(0, 4))];
        const bool scaled = draw.between(0, 1) == 1;
        CAPTURE(i, channels, groups, height, width, samples, static_cast<int>(f), scaled);
        nn::group_norm<double> layer(channels, groups, 1e-5);
        disturb(layer, 0.5, i);
        batch<double> x = 2 * random_batch(channels, height * width * samples, 100 + i) + 0.7, y = x;
        const batch<double> dy = random_batch(channels, height * width * samples, 200 + i);
        batch<double> dx = unwritten_like(x), overwritten = dy;
        batch<double> moments(2, groups * samples), scale_shift, d_scale_shift;
        if (scaled) {
            scale_shift = 0.4 * random_batch(2 * channels, samples, 300 + i);
            d_scale_shift = unwritten_like(scale_shift);
        }
        const auto map = [&](batch<double>& of) {
            return nn::feature_map<double>{of.data(), channels, height, width, samples};
        };
        const auto given = [&] { return scaled ? batch_view<const double>(scale_shift) : batch_view<const double>(); };
        const auto loss = [&] {
            layer.forward(map(x), f, given(), map(y), moments);
            return (y * dy).sum();
        };
        static_cast<void>(loss());
        nn::group_norm<double> d = nn::zeros_like(layer);
        layer.backward(map(x), moments, f, given(), map(overwritten), map(dx),
                       scaled ? batch_view<double>(d_scale_shift) : batch_view<double>(), d);
        CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-6);
        CHECK(parameter_gradient_error(layer, d, loss) < 1e-6);
        CHECK(gradient_error(elements(scale_shift), elements(d_scale_shift), loss) < 1e-6);
    }
}

TEST_CASE("the gradients of attention are the central differences for random shapes", "[nn]") {
    shape_draws draw(5);
    for (std::uint64_t i = 0; i < 40; ++i) {
        const isize channels = draw.between(1, 16), heads = draw.divisor(channels);
        const isize groups = draw.between(0, 3) == 0 ? 0 : draw.divisor(channels);
        const isize height = draw.between(1, 5), width = draw.between(1, 5), samples = draw.between(1, 3);
        const bool rescaled = draw.between(0, 1) == 1;
        CAPTURE(i, channels, heads, groups, height, width, samples, rescaled);
        nn::attention<double> layer(channels, heads, groups, 1e-6);
        layer.rescale = rescaled ? 1.5 : 1;
        disturb(layer, 1.2 / std::sqrt(static_cast<double>(channels)), i);
        batch<double> x = random_batch(channels, height * width * samples, 100 + i), y = x, dx = unwritten_like(x);
        batch<double> dy = random_batch(channels, height * width * samples, 200 + i);
        const auto map = [&](batch<double>& of) {
            return nn::feature_map<double>{of.data(), channels, height, width, samples};
        };
        nn::arena<double> memory;
        nn::attention<double>::activations a;
        const auto loss = [&] {
            memory.clear();
            layer.forward(map(x), a, map(y), memory);
            return (y * dy).sum();
        };
        static_cast<void>(loss());
        nn::attention<double> d = nn::zeros_like(layer);
        layer.backward(map(x), a, map(dy), map(dx), d, memory);
        CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-6);
        CHECK(whole_gradient_error(layer, d, loss) < 1e-6);
    }
}

}  // namespace ddpm::test
