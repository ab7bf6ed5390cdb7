// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/diffusers/packed_unet.hpp>
#include <ddpm/diffusers/weights.hpp>
#include <ddpm/nn/networks/unet.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/contains.hpp"
#include "support/gradient_check.hpp"
#include "support/temporary_folder.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {

namespace {

nn::unet_options packed_options() {
    nn::unet_options options{.height = 8,
                             .width = 8,
                             .in_channels = 3,
                             .out_channels = 3,
                             .down = {nn::unet_level::plain, nn::unet_level::attention},
                             .up = {nn::unet_level::attention, nn::unet_level::residual},
                             .channels = {32, 64},
                             .layers = 1,
                             .groups = 4,
                             .seed = 3};
    options.classes = nn::unet_classes::table;
    options.class_count = 3;
    return options;
}

template <class Net>
batch<float> packed_output(const Net& net) {
    const batch<float> x = random_batch<float>(8 * 8 * 3, 2, 4);
    const std::vector<double> t{5, 700};
    const std::vector<isize> labels{2, 0};
    condition<float> given;
    given.labels = labels;
    batch<float> out(x.rows(), 2);
    auto w = net.make_workspace(2, pass::forward);
    net.forward({x, t, given}, batch_view<float>(out), w);
    return out;
}

}  // namespace

TEMPLATE_TEST_CASE("a packed U-Net is loaded as one that was loaded and packed", "[diffusers]", float, bfloat16) {
    const temporary_folder folder;
    nn::unet<float> net(packed_options());
    disturb(net, 0.1, 1);
    diffusers::save_weights(folder / "", net);
    const auto loaded = diffusers::load_packed_unet<TestType>(folder / "", packed_options());
    CHECK((packed_output(loaded) == packed_output(nn::packed_unet<TestType>(net))).all());
    CHECK(loaded.takes().classes == 3);

    const std::string bytes = read_text(folder / "diffusion_pytorch_model.safetensors");
    const auto file = io::safetensors_file::parse(std::as_bytes(std::span(bytes)), "model");
    const auto of_memory = diffusers::load_packed_unet<TestType>(file, packed_options());
    CHECK((packed_output(of_memory) == packed_output(loaded)).all());
    const auto shorter = std::as_bytes(std::span(bytes).first(bytes.size() - 1));
    CHECK_THROWS_AS(
        diffusers::load_packed_unet<TestType>(io::safetensors_file::parse(shorter, "model"), packed_options()),
        io_error);
}

TEST_CASE("loading a packed U-Net needs no memory for a whole network of floats", "[diffusers]") {
    nn::unet_options options = packed_options();
    options.channels = {128, 128, 128, 128};
    options.down = options.up = std::vector<nn::unet_level>(4, nn::unet_level::plain);
    const temporary_folder folder;
    std::size_t floats = 0;
    {
        const nn::unet<float> net(options);
        floats = static_cast<std::size_t>(nn::parameter_count(net)) * sizeof(float);
        diffusers::save_weights(folder / "", net);
    }
    const std::ptrdiff_t before = live_bytes;
    peak_bytes = before;
    const auto loaded = diffusers::load_packed_unet<bfloat16>(folder / "", options);
    if (allocations != 0) {  // where they are counted
        CHECK(live_bytes - before < static_cast<std::ptrdiff_t>(0.65 * static_cast<double>(floats)));
        CHECK(peak_bytes - before < static_cast<std::ptrdiff_t>(0.95 * static_cast<double>(floats)));
    }
    CHECK(static_cast<double>(loaded.packed_bytes()) < 0.53 * static_cast<double>(floats));
}

TEST_CASE("a packed U-Net is not made from the tensors of another", "[diffusers]") {
    const temporary_folder folder;
    diffusers::save_weights(folder / "", nn::unet<float>(packed_options()));
    nn::unet_options other = packed_options();
    other.class_count = 4;
    other.layers = 2;
    try {
        static_cast<void>(diffusers::load_packed_unet<float>(folder / "", other));
        FAIL("loaded");
    } catch (const io_error& e) {
        const std::string what = e.what();
        CHECK(contains(what, "class_embedding.weight has shape [3, 128] instead of [4, 128]"));
        CHECK(contains(what, "down_blocks.0.resnets.1.norm1.weight is missing"));
    }
    other.layers = -1;
    CHECK_THROWS_AS(diffusers::load_packed_unet<float>(folder / "", other), value_error);
}

}  // namespace ddpm::test
