// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/unet_activations.hpp>

#include <ddpm/nn/networks/unet.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm::test {
namespace {

constexpr isize kept_size = 16, kept_channels = 8, kept_samples = 2;

/// One level of kept_channels.
nn::unet_options one_level(isize layers, nn::unet_level kind) {
    return {.height = kept_size,
            .width = kept_size,
            .in_channels = 1,
            .out_channels = 1,
            .time_embedding_dim = 4,
            .down = {kind},
            .up = {kind},
            .channels = {kept_channels},
            .layers = layers,
            .middle = false,
            .groups = 2};
}

/// The elements that a forward pass leaves in the workspace's memory, in units of one map between layers.
double maps_kept(isize layers, nn::unet_level kind, pass serves) {
    const nn::unet<double> net(one_level(layers, kind));
    auto w = net.make_workspace(kept_samples, serves);
    constexpr isize map = kept_size * kept_size * kept_channels * kept_samples;
    w.memory.reserve(200 * map);  // one block of memory, whose places can be compared
    const double* const start = w.memory.take(0);
    const batch<double> x = random_batch(kept_size * kept_size, kept_samples, 1);
    batch<double> out(x.rows(), x.cols());
    net.forward({x, std::vector<double>{1, 2}}, out, w);
    return static_cast<double>(w.memory.take(0) - start) / static_cast<double>(map);
}

}  // namespace

TEMPLATE_TEST_CASE("activations begin without layers and skip connections", "[nn]", float, double) {
    using S = TestType;
    nn::unet_activations<S> a;
    a.layers.resize(2);
    a.layers_used = 2;
    a.skips.push_back(a.last);
    a.begin();
    CHECK(a.layers_used == 0);
    CHECK(a.skips.empty());
    CHECK(a.layers.size() == 2);
}

TEST_CASE("a forward pass leaves each layer's input, and a skip connection for each block of the way up", "[nn]") {
    nn::unet_options options = one_level(2, nn::unet_level::plain);
    options.middle = true;
    options.down = options.up = {nn::unet_level::plain, nn::unet_level::plain};
    options.channels = {8, 16};
    const nn::unet<float> net(options);
    auto w = net.make_workspace(kept_samples, pass::backward);
    const batch<float> x = random_batch<float>(kept_size * kept_size, kept_samples, 1);
    batch<float> out(x.rows(), x.cols());
    const std::vector<double> t{1, 2};
    for (int round = 0; round < 2; ++round) {
        net.forward({x, t}, out, w);
        const nn::unet_activations<float>& a = w.activations;
        // Down 2 + 1 + 2, in the middle 2, up 3 + 1 + 3.
        CHECK(a.layers_used == 14);
        CHECK(a.layers.size() == 14);
        const std::vector<isize> channels{8, 8, 8, 8, 16, 16}, sizes{16, 16, 16, 8, 8, 8};
        REQUIRE(a.skips.size() == 6);
        for (std::size_t k = 0; k < 6; ++k) {
            CHECK(a.skips[k].channels == channels[k]);
            CHECK(a.skips[k].height == sizes[k]);
        }
        CHECK(a.layers[0].in.data == a.skips[0].data);
        CHECK(a.last.channels == 8);
        CHECK(a.last.height == kept_size);
        for (std::size_t k = 0; k < 6; ++k) {
            const auto& layer = a.layers[7 + k + (k < 3 ? 0 : 1)];
            CHECK(layer.skip.data == a.skips[5 - k].data);
            CHECK(layer.in.channels == (k < 4 ? 16 : 8));
            CHECK(layer.joined.data == a.layers[7].joined.data);
            CHECK(layer.joined.channels == layer.in.channels + layer.skip.channels);
        }
    }
}

TEST_CASE("memory for backward grows by what is documented for each block", "[nn]") {
    // One layer more is one block on the way down and one on the way up. The attention of 8 channels has one head.
    const auto more = [](nn::unet_level kind, pass serves) {
        return maps_kept(3, kind, serves) - maps_kept(2, kind, serves);
    };
    CHECK(std::abs(more(nn::unet_level::plain, pass::backward) - (2 + 2)) < 0.1);
    CHECK(std::abs(more(nn::unet_level::attention, pass::backward) - (2 + 2 + 2 * (4 + 2.0 / 8))) < 0.1);
    CHECK(std::abs(more(nn::unet_level::plain, pass::recompute) - (1 + 1)) < 0.1);
    CHECK(std::abs(more(nn::unet_level::attention, pass::recompute) - (1 + 1)) < 0.1);
}

}  // namespace ddpm::test
