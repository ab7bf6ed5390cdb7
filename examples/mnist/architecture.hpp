// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/process/parameterization.hpp>

#include <cstdint>

namespace examples {

inline constexpr ddpm::isize digit_classes = 10;
inline constexpr ddpm::isize no_class = digit_classes;  ///< what the network is told where it should not know

/// What the network of the digits predicts.
inline constexpr ddpm::prediction digit_prediction = ddpm::prediction::v;

/// The least shape that holds the image and that the network below can halve twice.
[[nodiscard]] inline ddpm::sample_shape digit_canvas(ddpm::sample_shape image) {
    constexpr ddpm::isize multiple = 4;
    const auto up = [](ddpm::isize size) { return (size + multiple - 1) / multiple * multiple; };
    return {up(image.height), up(image.width), image.channels};
}

/// A class-conditional U-Net of about a million parameters for small grey images, each on its canvas.
[[nodiscard]] inline ddpm::nn::unet_options digit_network(ddpm::sample_shape image, std::uint64_t seed = 0) {
    using level = ddpm::nn::unet_level;
    const ddpm::sample_shape canvas = digit_canvas(image);
    return {.height = canvas.height,
            .width = canvas.width,
            .in_channels = image.channels,
            .out_channels = image.channels,
            .time_embedding_dim = 128,
            .down = {level::plain, level::plain, level::attention},
            .up = {level::attention, level::plain, level::plain},
            .channels = {32, 64, 64},
            .layers = 1,
            .head_dim = 32,
            .groups = 8,
            .classes = ddpm::nn::unet_classes::table,
            .class_count = digit_classes + 1,
            .seed = seed};
}

}  // namespace examples
