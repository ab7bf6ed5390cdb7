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

/// What one batch leaves in a U-Net for its backward pass.
///
/// Memory for backward, in numbers: a residual block with C_in channels in, C out and P pixels keeps P · N · (C_in + 3 C)
/// with its output, 6 P · N · C more with attention, and P · N · C_in more on the way up, where the skip connection
/// comes in. With `pass::recompute` it keeps P · N · C, and P · N · C_in more on the way up; beside these there is the
/// largest block's share above. Backward adds the gradients of the skip connections and of the largest block.
template <Scalar S>
struct unet_activations {
    typename unet_embedding<S>::activations embedded;
    std::vector<typename unet_stage<S>::activations> layers;  ///< in their order
    std::size_t layers_used = 0;
    std::vector<feature_map<const S>> skips;
    std::vector<feature_map<S>> dskips;
    feature_map<const S> joined, input,
        last;               ///< x_t with the maps, into the first convolution, and out of the last stage
    feature_map<S> active;  ///< into the last convolution
    batch_view<S> moments;  ///< of the last norm

    void begin() {
        layers_used = 0;
        skips.clear();
    }

    /// How many numbers the largest map has that went from one layer to the next.
    [[nodiscard]] isize largest() const {
        isize size = last.size();
        for (const auto& a : layers) {
            size = std::max(size, a.in.size());
        }
        return size;
    }
};

}  // namespace ddpm::nn
