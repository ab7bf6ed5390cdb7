// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/networks/unet_embedding.hpp>
#include <ddpm/nn/networks/unet_stage.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace ddpm::nn {

/// The activations of a U-Net for backward.
///
/// Memory for backward, in elements: a residual block with C output channels and P pixels keeps P · N · 2 C with its output,
/// and P · N · (4 C + 2 heads) more with attention. With `pass::recompute` it keeps P · N · C, and the rest for the largest
/// block only. One place serves all joined skip connections, of P · N · C_in elements for the largest input, of C_in
/// channels, of the up path's blocks. The gradient of a map takes its place. Backward also needs the gradients within
/// the largest block, and with `pass::recompute` those of the skip connections, which otherwise take the place of the up
/// path's activations.
template <Scalar S>
struct unet_activations {
    typename unet_embedding<S>::activations embedded;
    std::vector<typename unet_stage<S>::activations> layers;  ///< in the order of forward
    std::size_t layers_used = 0;
    std::vector<feature_map<const S>> skips;
    std::vector<feature_map<S>> dskips;
    feature_map<const S> joined, input;  ///< x_t with the maps, and what the first convolution reads
    feature_map<S> last;                 ///< out of the last stage
    batch_view<S> moments, factors;      ///< of the last norm: see residual_block::activations

    /// Discards the activations of the last batch, and keeps the memory of the lists.
    void begin() {
        layers_used = 0;
        skips.clear();
    }
};

}  // namespace ddpm::nn
