// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/inference/detail/packed_attention.hpp>
#include <ddpm/nn/inference/detail/packed_convolution.hpp>
#include <ddpm/nn/layers/attention.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/nn/layers/group_norm.hpp>
#include <ddpm/nn/layers/residual_block.hpp>
#include <ddpm/nn/networks/unet_stage.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::nn::detail {

// The layers of a packed_unet, each with the name of its parameters.

[[nodiscard]] inline std::string indexed_name(const std::string& list, std::size_t index) {
    return list + "." + std::to_string(index);
}

/// The projections of the time embedding of all blocks, which are computed at once.
template <class S>
struct time_projections {
    std::vector<dense<S>> layers;
    isize rows = 0;
};

/// The height and width of a map.
struct map_size {
    isize height, width;
};

/// How many outputs along a side the Winograd tiles of a layer have, or 0 if it is computed directly. After an upsampling
/// (`up`) the direct way needs fewer than half of the products, since the upsampling is part of the weights: as many as
/// tiles of 2 × 2 outputs. Weights of bfloat16 are always packed for it.
template <class T>
[[nodiscard]] isize winograd_outputs_of(const conv2d<float>& conv, map_size output, bool up) {
    const isize side = conv.winograd_outputs(output.height, output.width);
    return up && (sizeof(T) == 2 || side == 2) ? 0 : side;
}

/// A residual block.
template <class T>
struct packed_block {
    using scalar = typename packed_scalar<T>::type;

    std::string name;
    group_norm<scalar> norm1, norm2;
    packed_convolution<T> conv1, conv2;
    isize time_place;  // of its first row in the projections of the time embedding
    bool scale_shift;
    bool has_shortcut;
    float factor;
    resampling resample;
    activation act;

    /// With `joins` the input has two parts, so that it cannot be added as it is. The block's projection of the time
    /// embedding is added to `times`; its bias has that of conv1, unless it is for scale_shift.
    packed_block(const residual_block<scalar>& of, map_size output, bool joins, std::string name_,
                 time_projections<scalar>& times)
        : name(std::move(name_)),
          norm1(of.norm1),
          norm2(of.norm2),
          conv1(of.conv1, nullptr, of.resample == resampling::up,
                winograd_outputs_of<T>(of.conv1, output, of.resample == resampling::up)),
          time_place(times.rows),
          scale_shift(of.scale_shift),
          has_shortcut(of.conv_shortcut.has_value() || joins || of.resample == resampling::up),
          factor(static_cast<float>(1 / of.rescale)),
          resample(of.resample),
          act(of.act) {
        std::optional<conv2d<scalar>> shortcut = of.conv_shortcut;
        if (has_shortcut && !shortcut) {
            shortcut.emplace(of.outputs(), of.outputs(), 1);
            for (isize i = 0; i < of.outputs(); ++i) {
                shortcut->weight[i * of.outputs() + i] = 1;
            }
        }
        conv2 = packed_convolution<T>(of.conv2, shortcut ? &*shortcut : nullptr, false,
                                      winograd_outputs_of<T>(of.conv2, output, false));
        dense<scalar> time = of.time_emb_proj;
        for (isize i = 0; i < of.outputs() && !scale_shift; ++i) {
            time.bias[i] += of.conv1.bias[i];
        }
        times.rows += time.outputs();
        times.layers.push_back(std::move(time));
    }

    [[nodiscard]] std::size_t packed_bytes() const noexcept {
        return conv1.weights().bytes() + conv2.weights().bytes();
    }
};

/// The attention after a residual block, with its norm and projections.
template <class T>
struct packed_attention_block {
    using scalar = typename packed_scalar<T>::type;

    std::string name;
    group_norm<scalar> norm;
    packed_convolution<T> qkv, out;
    packed_attention<T> heads;
    float factor;

    packed_attention_block(const attention<scalar>& of, std::string name_)
        : name(std::move(name_)),
          norm(of.norm),
          qkv({&of.to_q, &of.to_k, &of.to_v}),
          out({&of.to_out}),
          heads(of.channels(), of.heads),
          factor(static_cast<float>(1 / of.rescale)) {}
};

/// One level of the down or up path, or the middle: see unet_stage.
template <class T>
struct packed_stage {
    using scalar = typename packed_scalar<T>::type;

    std::vector<packed_block<T>> blocks;
    std::vector<packed_attention_block<T>> attentions;
    std::optional<packed_convolution<T>> conv;  // the resampler
    std::optional<packed_block<T>> residual;    // the same
    std::string resampler;                      // its name
    map_size output;                            // of all of it

    packed_stage(const unet_stage<scalar>& of, map_size input, bool joins, const std::string& name_,
                 time_projections<scalar>& times)
        : resampler(name_ + "." + of.resampler), output(input) {
        for (const residual_block<scalar>& each : of.resnets) {
            blocks.emplace_back(each, input, joins, indexed_name(name_ + ".resnets", blocks.size()), times);
        }
        for (const attention<scalar>& each : of.attentions) {
            attentions.emplace_back(each, indexed_name(name_ + ".attentions", attentions.size()));
        }
        if (of.by_conv) {
            const conv_resampler<scalar>& each = *of.by_conv;
            output = each.up ? map_size{2 * input.height, 2 * input.width}
                             : map_size{each.conv.output_size(input.height), each.conv.output_size(input.width)};
            conv.emplace(each.conv, nullptr, each.up, winograd_outputs_of<T>(each.conv, output, each.up));
        } else if (of.by_residual) {
            const residual_block<scalar>& each = *of.by_residual;
            output = {each.resized(input.height), each.resized(input.width)};
            residual.emplace(each, output, false, resampler, times);
        }
    }

    [[nodiscard]] std::size_t packed_bytes() const noexcept {
        std::size_t bytes = conv ? conv->weights().bytes() : 0;
        for (const packed_block<T>& each : blocks) {
            bytes += each.packed_bytes();
        }
        for (const packed_attention_block<T>& each : attentions) {
            bytes += each.qkv.weights().bytes() + each.out.weights().bytes();
        }
        return bytes + (residual ? residual->packed_bytes() : 0);
    }
};

}  // namespace ddpm::nn::detail
