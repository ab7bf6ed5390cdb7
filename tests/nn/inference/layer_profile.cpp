// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/nn/inference/layer_profile.hpp>
#include <ddpm/nn/inference/packed_unet.hpp>
#include <ddpm/nn/networks/unet.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace ddpm::test {

namespace {

/// Two stages of 8 × 8 and 4 × 4 pixels.
nn::unet<float> profiled_network(bool winograd) {
    return nn::unet<float>({.height = 8,
                            .width = 8,
                            .in_channels = 3,
                            .out_channels = 3,
                            .down = {nn::unet_level::plain, nn::unet_level::attention},
                            .up = {nn::unet_level::attention, nn::unet_level::plain},
                            .channels = {32, 64},
                            .layers = 1,
                            .groups = 4,
                            .winograd = winograd});
}

/// Runs a network on two samples with a profile; each call adds a run to it.
template <class T>
struct profiled_run {
    explicit profiled_run(const nn::unet<float>& net)
        : packed(net), workspace(packed.make_workspace(2, pass::forward)), out(x.rows(), 2) {
        workspace.profile = &profile;
    }

    void operator()() { packed.forward({x, t}, batch_view<float>(out), workspace); }

    nn::packed_unet<T> packed;
    typename nn::packed_unet<T>::workspace workspace;
    nn::layer_profile profile;
    batch<float> x = random_batch<float>(8 * 8 * 3, 2, 1);
    std::vector<double> t{1, 2};
    batch<float> out;
};

/// The layer of this name.
const nn::layer_time& layer_named(const std::vector<nn::layer_time>& layers, const std::string& name) {
    const auto found =
        std::find_if(layers.begin(), layers.end(), [&](const nn::layer_time& layer) { return layer.name == name; });
    REQUIRE(found != layers.end());
    return *found;
}

}  // namespace

TEST_CASE("a profile has every layer once, with its work and its fastest time", "[nn]") {
    profiled_run<bfloat16> run(profiled_network(false));
    run();
    const std::vector<nn::layer_time> first = run.profile.layers();
    run();
    const std::vector<nn::layer_time>& layers = run.profile.layers();
    REQUIRE(layers.size() == first.size());
    const auto named = [&](const std::string& name) {
        const nn::layer_time& found = layer_named(layers, name);
        CHECK(found.seconds > 0);
        CHECK(found.seconds <= layer_named(first, name).seconds);
        return found;
    };
    CHECK(named("down_blocks.0.resnets.0.conv1").operations == 2.0 * 9 * 32 * 32 * 64 * 2);
    CHECK(named("down_blocks.0.downsamplers.0.conv").operations == 2.0 * 9 * 32 * 32 * 16 * 2);
    CHECK(named("up_blocks.1.resnets.0.conv2").operations == 2.0 * (9 * 32 + 96) * 32 * 64 * 2);  // with the shortcut
    CHECK(named("mid_block.attentions.0").operations == 4.0 * 16 * 16 * 64 * 2);
    CHECK(named("mid_block.attentions.0.to_qkv").operations == 2.0 * 3 * 64 * 64 * 16 * 2);
    CHECK(named("time_emb_proj of all blocks").operations == 2.0 * 128 * (32 + 64 + 2 * 64 + 2 * 64 + 2 * 32) * 2);
    CHECK(named("conv_out").bytes == 2.0 * 64 * 32 * 2 + (2.0 * 9 * 32 + 4) * 32 + 4.0 * 64 * 3 * 2);
    static_cast<void>(named("conv_norm_out"));

    const nn::machine_limits limits = nn::measure_limits<bfloat16>();
    CHECK(limits.operations_per_second > 1e8);
    CHECK(limits.bytes_per_second > 1e8);
    const std::string text = run.profile.text(limits);
    CHECK(std::count(text.begin(), text.end(), '\n') == static_cast<std::ptrdiff_t>(layers.size()) + 2);
    CHECK(contains(text, "up_blocks.0.upsamplers.0.conv"));
    CHECK(contains(text, "gathered patches"));
    CHECK(contains(text, "\nall "));
}

TEST_CASE("a profile counts the products that Winograd's algorithm makes", "[nn]") {
    profiled_run<float> run(profiled_network(true));
    run();
    const nn::layer_time& layer = layer_named(run.profile.layers(), "down_blocks.0.resnets.0.conv1");
    CHECK(contains(layer.algorithm, "Winograd F(2x2, 3x3)"));
    CHECK(layer.operations == 2.0 * 16 / 4 * 32 * 32 * 64 * 2);  // 16 products of 32 × 32 channels for 4 pixels
}

}  // namespace ddpm::test
