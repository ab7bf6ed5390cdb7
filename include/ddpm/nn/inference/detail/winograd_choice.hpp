// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/nn/inference/packed_options.hpp>
#include <ddpm/nn/layers/conv2d.hpp>

namespace ddpm::nn::detail {

/// The height and width of a map.
struct map_size {
    isize height, width;
};

/// How many outputs along a side the Winograd tiles of a convolution have, or 0 if it is computed directly. It depends on
/// the layer and the size of its output only, so that a sample's bits do not depend on the batch. Weights of bfloat16 are
/// computed directly after an upsampling (`up`), which then is part of them.
template <class T>
[[nodiscard]] isize winograd_outputs_for(const conv2d<float>& conv, map_size output, bool up, packed_options options) {
    constexpr isize least_inputs = 32, least_tiles = 16;  // with fewer tiles the products are too small to be fast
    if (!options.winograd || (up && sizeof(T) == 2) || conv.kernel() != 3 || conv.stride != 1 ||
        conv.padding != conv_padding::symmetric || conv.inputs() < least_inputs ||
        conv.inputs() % kernels::detail::winograd_channels != 0 || conv.outputs() < kernels::detail::packed_outputs) {
        return 0;
    }
    for (const isize outputs : {4, 2}) {
        if (ddpm::detail::divided_up(output.height, outputs) * ddpm::detail::divided_up(output.width, outputs) >=
            least_tiles) {
            return outputs;
        }
    }
    return 0;
}

}  // namespace ddpm::nn::detail
