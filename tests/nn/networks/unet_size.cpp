// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/unet.hpp>
#include <ddpm/nn/networks/unet_size.hpp>
#include <ddpm/nn/parameters.hpp>

#include "support/catch.hpp"

#include <cstddef>
#include <limits>
#include <random>

namespace ddpm::test {
namespace {

using namespace nn;

/// Options of every kind, small enough to be made.
unet_options random_options(std::mt19937_64& random) {
    const auto below = [&](int bound) {
        return static_cast<ddpm::isize>(random() % static_cast<std::uint64_t>(bound));
    };
    unet_options o;
    const ddpm::isize levels = 1 + below(3);
    o.height = o.width = 8;
    o.in_channels = 1 + below(3);
    o.out_channels = 1 + below(6);
    o.time = static_cast<unet_time>(below(3));
    o.time_embedding_dim = below(2) * 12;
    o.train_timesteps = 1 + below(5);
    o.down.clear();
    o.up.clear();
    o.channels.clear();
    for (ddpm::isize i = 0; i < levels; ++i) {
        o.down.push_back(static_cast<unet_level>(below(3)));
        o.up.push_back(static_cast<unet_level>(below(3)));
        o.channels.push_back(4 * (1 + below(3)));
    }
    o.layers = 1 + below(3);
    o.middle = below(3) > 0;
    o.middle_attention = below(2) > 0;
    o.downsample = static_cast<unet_resampling>(below(2));
    o.upsample = static_cast<unet_resampling>(below(2));
    o.head_dim = below(2) * 4;
    o.groups = 4;
    o.middle_attention_groups = below(2) * 2;
    o.scale_shift = below(2) > 0;
    o.classes = static_cast<unet_classes>(below(4));
    o.class_count = 1 + below(5);
    return o;
}

TEST_CASE("the number of a U-Net's parameters is known before it is made", "[nn]") {
    std::mt19937_64 random(1);
    for (int i = 0; i < 200; ++i) {
        const unet_options options = random_options(random);
        CAPTURE(i);
        REQUIRE(unet_parameter_count(options) == parameter_count(unet<float>(options)));
    }
    CHECK(unet_parameter_count({}) == 274056163);  // what diffusers counts of UNet2DModel()
}

TEST_CASE("a U-Net that no memory holds has a number of parameters all the same", "[nn]") {
    constexpr ddpm::isize many = ddpm::isize{1} << 24;
    CHECK(unet_parameter_count({.in_channels = many}) == 274056163 + (many - 3) * 224 * 9);
    unet_options o;
    o.channels = {many, many, many, many};
    o.head_dim = 0;
    CHECK(unet_parameter_count(o) > ddpm::isize{1} << 56);
    o.time_embedding_dim = ddpm::isize{1} << 40;
    CHECK(unet_parameter_count(o) == std::numeric_limits<ddpm::isize>::max());
    o.in_channels = 0;
    CHECK_THROWS_AS(unet_parameter_count(o), value_error);
}

}  // namespace
}  // namespace ddpm::test
