// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <type_traits>

namespace ddpm::test {

/// A convolution and the square images that it reads.
struct conv_case {
    isize inputs, outputs, kernel, stride, side, samples;
    nn::conv_padding padding = nn::conv_padding::symmetric;
};

/// The images in the columns of a batch, side × side pixels each.
template <class Batch>
[[nodiscard]] auto square_maps(Batch& images, isize channels, isize side) {
    using number = std::remove_pointer_t<decltype(images.data())>;
    return nn::feature_map<number>{images.data(), channels, side, side, images.cols()};
}

}  // namespace ddpm::test
