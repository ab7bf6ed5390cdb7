// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/nn/networks/unet_options.hpp>

namespace ddpm::test {

/// A U-Net of 4 × 4 pixels that has every kind of layer, attention too, and runs in no time.
[[nodiscard]] inline nn::unet_options small_unet_options(double dropout = 0) {
    return {.height = 4,
            .width = 4,
            .in_channels = 1,
            .out_channels = 1,
            .down = {nn::unet_level::plain, nn::unet_level::attention},
            .up = {nn::unet_level::attention, nn::unet_level::plain},
            .channels = {4, 8},
            .layers = 1,
            .dropout = dropout,
            .head_dim = 4,
            .groups = 2,
            .seed = 5};
}

}  // namespace ddpm::test
