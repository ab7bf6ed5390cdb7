// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/idx.hpp>
#include <ddpm/nn/networks/unet.hpp>

#include <cstddef>

// A small U-Net and the images that it learns.
namespace ddpm::test {

/// Convolutions of 32 and 64 channels: on the first level tiles of 4 × 4 outputs, on the second of 2 × 2.
[[nodiscard]] inline nn::unet_options digit_options() {
    return {.height = 16,
            .width = 16,
            .in_channels = 1,
            .out_channels = 1,
            .down = {nn::unet_level::plain, nn::unet_level::plain},
            .up = {nn::unet_level::plain, nn::unet_level::plain},
            .channels = {32, 64},
            .layers = 1,
            .groups = 8};
}

/// The digits, each pixel as four.
[[nodiscard]] inline batch<float> digits() {
    const io::idx_images images = io::read_idx_images(DDPM_EXAMPLES_DATA "/digits-images.idx3-ubyte");
    batch<float> data(256, images.count);
    for (isize n = 0; n < data.cols(); ++n) {
        for (isize p = 0; p < data.rows(); ++p) {
            const isize pixel = p / 32 * 8 + p % 16 / 2;
            data(p, n) = static_cast<float>(images.pixels[static_cast<std::size_t>(n * 64 + pixel)]) / 127.5f - 1;
        }
    }
    return data;
}

}  // namespace ddpm::test
