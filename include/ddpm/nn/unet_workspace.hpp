// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/arena.hpp>
#include <ddpm/nn/dropout.hpp>
#include <ddpm/nn/feature_map.hpp>
#include <ddpm/nn/unet_embedding.hpp>
#include <ddpm/nn/unet_stage.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddpm::nn {

template <Scalar S>
class unet;

/// What one batch leaves in a U-Net for its backward pass, and scratch.
///
/// Memory for backward, in numbers: a residual block with C_in channels in, C out and P pixels keeps P · N · (C_in + 3 C)
/// with its output, 6 P · N · C more with attention, and P · N · C_in more on the way up, where the skip connection
/// comes in. With `recompute` it keeps P · N · C, and P · N · C_in more on the way up; beside these there is the largest
/// block's share above. Backward adds the gradients of the skip connections and of the largest block.
template <Scalar S>
class unet_workspace {
public:
    unet_workspace(isize layers, bool for_backward)
        : activations(static_cast<std::size_t>(layers)), for_backward_(for_backward) {}

    /// Trades time for memory: of each layer only the input is kept, and backward runs the layer again. The gradient has
    /// the same bits.
    bool recompute = false;

    /// From now on the network drops activations, with the mask of this address: training with dropout.
    void drop(std::uint64_t seed, isize step, isize first_sample = 0) {
        drops_ = true;
        dropout_ = {.seed = seed, .step = step, .first_sample = first_sample};
    }

    [[nodiscard]] bool for_backward() const noexcept { return for_backward_; }

    /// Of the batch that went through last.
    [[nodiscard]] isize samples() const noexcept { return samples_; }

    /// How many bytes of activations and scratch it holds.
    [[nodiscard]] std::size_t bytes() const noexcept { return memory.bytes(); }

private:
    friend class unet<S>;

    void begin(isize samples) {
        samples_ = samples;
        used_ = 0;
        memory.clear();
        skips.clear();
    }

    [[nodiscard]] typename unet_stage<S>::activations& next() { return activations[used_++]; }
    [[nodiscard]] std::size_t activations_used() const noexcept { return used_; }
    [[nodiscard]] bool keeps() const noexcept { return for_backward_ && !recompute; }
    [[nodiscard]] bool drops() const noexcept { return for_backward_ && drops_; }

    [[nodiscard]] dropout_address dropout_of_layer() const {
        dropout_address address = dropout_;
        address.layer = static_cast<isize>(used_);
        return address;
    }

    /// How many numbers the largest map has that went from one layer to the next.
    [[nodiscard]] isize largest() const {
        isize size = last.size();
        for (const auto& a : activations) {
            size = std::max(size, a.in.size());
        }
        return size;
    }

    arena<S> memory;
    typename unet_embedding<S>::activations embedded;
    std::vector<typename unet_stage<S>::activations> activations;  // in the order of the layers
    std::vector<feature_map<const S>> skips;
    std::vector<feature_map<S>> dskips;
    feature_map<const S> input, last;  // into the first convolution, and out of the last stage
    feature_map<S> active;             // into the last convolution
    batch_view<S> moments;             // of the last norm
    dropout_address dropout_{};
    std::size_t used_ = 0;
    isize samples_ = 0;
    bool for_backward_;
    bool drops_ = false;
};

}  // namespace ddpm::nn
