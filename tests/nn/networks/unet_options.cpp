// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/networks/unet_options.hpp>

#include "support/catch.hpp"
#include "support/contains.hpp"

#include <cmath>
#include <limits>
#include <string>

namespace ddpm::test {
namespace {

using level = nn::unet_level;

/// Two levels, of 4 and 8 channels.
nn::unet_options two_levels() {
    return {.height = 4,
            .width = 6,
            .down = {level::plain, level::attention},
            .up = {level::attention, level::plain},
            .channels = {4, 8},
            .head_dim = 2,
            .groups = 2};
}

/// The text of the error of the options after a change; empty if there is none.
template <class Change>
std::string error_after(Change change) {
    nn::unet_options options = two_levels();
    change(options);
    try {
        require_valid(options);
        return {};
    } catch (const value_error& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("options of a U-Net have the defaults of diffusers' UNet2DModel", "[nn]") {
    const nn::unet_options options;
    CHECK_NOTHROW(require_valid(options));
    CHECK(options.channels == std::vector<isize>{224, 448, 672, 896});
    CHECK(options.down == std::vector{level::plain, level::attention, level::attention, level::attention});
    CHECK(options.up == std::vector{level::attention, level::attention, level::attention, level::plain});
    CHECK(options.in_channels == 3);
    CHECK(options.out_channels == 3);
    CHECK(options.layers == 2);
    CHECK(options.head_dim == 8);
    CHECK(options.groups == 32);
    CHECK(options.norm_eps == 1e-5);
    CHECK(options.act == nn::activation::silu);
    CHECK(options.freq_shift == 0);
    CHECK(options.order == nn::embedding_order::cos_sin);
}

TEST_CASE("an option of a U-Net outside its domain is refused by name", "[nn]") {
    const auto refuses = [](const char* what, auto change) {
        const std::string error = error_after(change);
        INFO(error);
        CHECK(contains(error, std::string("unet: ") + what + "; expected "));
    };
    CHECK(error_after([](auto&) {}).empty());
    refuses("number of levels", [](auto& o) { o.channels = {}; });
    refuses("number of levels", [](auto& o) { o.channels.assign(17, 4); });
    refuses("stages on the way down", [](auto& o) { o.down.pop_back(); });
    refuses("stages on the way up", [](auto& o) { o.up.push_back(level::plain); });
    refuses("height and width", [](auto& o) { o.height = 5; });
    refuses("height and width", [](auto& o) { o.width = 0; });
    refuses("height and width", [](auto& o) { o.width = -2; });
    refuses("in_channels", [](auto& o) { o.in_channels = 0; });
    refuses("map_channels", [](auto& o) { o.map_channels = -1; });
    refuses("map_channels", [](auto& o) { o.map_channels = 3; });
    refuses("out_channels", [](auto& o) { o.out_channels = 0; });
    refuses("vector", [](auto& o) { o.vector = -1; });
    refuses("vector", [](auto& o) {
        o.vector = 2;
        o.classes = nn::unet_classes::identity;
    });
    refuses("time_embedding_dim", [](auto& o) { o.time_embedding_dim = -1; });
    refuses("layers", [](auto& o) { o.layers = 0; });
    refuses("middle_scale", [](auto& o) { o.middle_scale = 0; });
    refuses("middle_scale", [](auto& o) { o.middle_scale = std::nan(""); });
    refuses("middle_scale", [](auto& o) { o.middle_scale = std::numeric_limits<double>::infinity(); });
    refuses("dropout", [](auto& o) { o.dropout = 1; });
    refuses("dropout", [](auto& o) { o.dropout = -0.1; });
    refuses("dropout", [](auto& o) { o.dropout = std::nan(""); });
    refuses("groups", [](auto& o) { o.groups = 0; });
    refuses("middle_attention_groups", [](auto& o) { o.middle_attention_groups = -1; });
    refuses("middle_attention_groups", [](auto& o) { o.middle_attention_groups = 3; });
    refuses("norm_eps", [](auto& o) { o.norm_eps = -1e-5; });
    refuses("norm_eps", [](auto& o) { o.norm_eps = std::nan(""); });
    refuses("head_dim", [](auto& o) { o.head_dim = -1; });
    refuses("act", [](auto& o) { o.act = nn::activation::none; });
    refuses("channels", [](auto& o) { o.groups = 3; });
    refuses("channels", [](auto& o) { o.channels = {4, 0}; });
    refuses("train_timesteps", [](auto& o) { o.time = nn::unet_time::learned; });
    refuses("class_count", [](auto& o) { o.classes = nn::unet_classes::table; });
}

TEST_CASE("heads take all channels of the levels that attend, and of no others", "[nn]") {
    const auto refused = [](auto change) {
        return contains(error_after([&](auto& o) {
                            o.middle_attention = false;
                            o.down = o.up = {level::plain, level::plain};
                            o.head_dim = 8;
                            change(o);
                        }),
                        "unet: channels of an attention level; expected ");
    };
    CHECK_FALSE(refused([](auto&) {}));
    CHECK(refused([](auto& o) { o.down[0] = level::attention; }));
    CHECK(refused([](auto& o) { o.up[1] = level::attention; }));
    CHECK_FALSE(refused([](auto& o) { o.up[0] = level::attention; }));
    CHECK_FALSE(refused([](auto& o) { o.middle_attention = true; }));
    CHECK(refused([](auto& o) {
        o.middle_attention = true;
        o.head_dim = 3;
    }));
    CHECK_FALSE(refused([](auto& o) {
        o.middle_attention = true;
        o.head_dim = 3;
        o.middle = false;
    }));
    CHECK_FALSE(refused([](auto& o) {
        o.down[0] = level::attention;
        o.head_dim = 0;
    }));
}

TEST_CASE("a sample of a U-Net has a number of elements", "[nn]") {
    nn::unet_options options = two_levels();
    options.height = options.width = isize{1} << 31;
    CHECK_THROWS_AS(require_valid(options), shape_error);
    options.in_channels = options.out_channels = 1;
    CHECK_NOTHROW(require_valid(options));
    options.out_channels = 2;
    CHECK_THROWS_AS(require_valid(options), shape_error);
}

TEST_CASE("plain and residual levels say how they resample, attention levels are told", "[nn]") {
    using nn::unet_resampling;
    for (const unet_resampling told : {unet_resampling::conv, unet_resampling::residual}) {
        CHECK(nn::detail::resampling_of(level::plain, told) == unet_resampling::conv);
        CHECK(nn::detail::resampling_of(level::residual, told) == unet_resampling::residual);
        CHECK(nn::detail::resampling_of(level::attention, told) == told);
    }
}

}  // namespace ddpm::test
