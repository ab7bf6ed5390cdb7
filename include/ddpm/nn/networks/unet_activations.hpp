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
/// and P · N · (5 C + 2 heads) more with attention. With `pass::recompute` it keeps P · N · C, and the rest for the largest
/// block only. One place serves all joined skip connections, of P · N · C_in elements for the largest input, of C_in
/// channels, of the up path's blocks. Backward also needs the gradients of the largest block, and with `pass::recompute`
/// those of the skip connections, which otherwise take the place of the up path's activations.
template <Scalar S>
struct unet_activations {
    typename unet_embedding<S>::activations embedded;
    std::vector<typename unet_stage<S>::activations> layers;  ///< in the order of forward
    std::size_t layers_used = 0;
    std::vector<feature_map<const S>> skips;
    std::vector<feature_map<S>> unjoined;  ///< what each skip is joined with, in the order of the up path
    std::vector<feature_map<S>> dskips;
    feature_map<const S> joined, input,
        last;                        ///< x_t with the maps, into the first convolution, and out of the last stage
    batch_view<S> moments, factors;  ///< of the last norm: see residual_block::activations

    void begin() {
        layers_used = 0;
        skips.clear();
        unjoined.clear();
    }

    /// The number of elements of the largest map between two layers that is not joined with a skip connection.
    [[nodiscard]] isize largest() const {
        isize size = last.size();
        for (const auto& a : layers) {
            if (a.skip.empty()) {
                size = std::max(size, a.in.size());
            }
        }
        return size;
    }
};

}  // namespace ddpm::nn
