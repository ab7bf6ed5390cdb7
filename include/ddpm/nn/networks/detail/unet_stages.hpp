// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/layers/attention.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/residual_block.hpp>
#include <ddpm/nn/networks/unet_options.hpp>
#include <ddpm/nn/networks/unet_stage.hpp>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace ddpm::nn::detail {

/// The three parts of a U-Net.
enum class unet_path { down, middle, up };

/// Constructs the layers of a U-Net. The options must be valid; `embedding` is the size of the time embedding.
template <Scalar S>
struct unet_builder {
    const unet_options& o;
    isize embedding;

    /// Calls f(path, stage) for all stages in the order in which they run, each made just before.
    template <class F>
    void for_each_stage(F&& f) const {
        const std::size_t levels = o.channels.size();
        isize width = o.channels.front();
        std::vector<isize> skips{width};
        for (std::size_t i = 0; i < levels; ++i) {
            unet_stage<S> stage;
            const bool attends = o.down[i] == unet_level::attention;
            for (isize j = 0; j < o.layers; ++j) {
                add_layer(stage, width, o.channels[i], attends);
                width = o.channels[i];
                skips.push_back(width);
            }
            if (i + 1 < levels) {
                add_resampler(stage, width, resampling_of(o.down[i], o.downsample), false);
                skips.push_back(width);
            }
            f(unet_path::down, std::move(stage));
        }
        if (o.middle) {
            unet_stage<S> stage;
            stage.resnets.assign(2, block(width, width, o.middle_scale, resampling::none));
            if (o.middle_attention) {
                stage.attentions.push_back(attend(width, middle_groups(), o.middle_scale));
            }
            f(unet_path::middle, std::move(stage));
        }
        for (std::size_t i = 0; i < levels; ++i) {
            unet_stage<S> stage;
            stage.resampler = "upsamplers.0";
            const isize outputs = o.channels[levels - 1 - i];
            const bool attends = o.up[i] == unet_level::attention;
            for (isize j = 0; j <= o.layers; ++j) {
                add_layer(stage, width + skips.back(), outputs, attends);
                skips.pop_back();
                width = outputs;
            }
            if (i + 1 < levels) {
                add_resampler(stage, width, resampling_of(o.up[i], o.upsample), true);
            }
            f(unet_path::up, std::move(stage));
        }
    }

private:
    void add_layer(unet_stage<S>& stage, isize inputs, isize outputs, bool attends) const {
        stage.resnets.push_back(block(inputs, outputs, 1, resampling::none));
        if (attends) {
            stage.attentions.push_back(attend(outputs, o.groups, 1));
        }
    }

    void add_resampler(unet_stage<S>& stage, isize width, unet_resampling kind, bool upwards) const {
        if (kind == unet_resampling::residual) {
            stage.by_residual.emplace(block(width, width, 1, upwards ? resampling::up : resampling::down));
        } else if (upwards) {
            stage.by_conv = {conv2d<S>(width, width, 3), true};
            stage.by_conv->conv.winograd = o.winograd;
        } else {
            stage.by_conv = {conv2d<S>(width, width, 3, 2, o.downsample_padding), false};
        }
    }

    [[nodiscard]] residual_block<S> block(isize inputs, isize outputs, double rescale, resampling resample) const {
        return residual_block<S>({.inputs = inputs,
                                  .outputs = outputs,
                                  .embedding = embedding,
                                  .groups = o.groups,
                                  .eps = o.norm_eps,
                                  .scale_shift = o.scale_shift,
                                  .rescale = rescale,
                                  .resample = resample,
                                  .act = o.act,
                                  .winograd = o.winograd});
    }

    [[nodiscard]] attention<S> attend(isize width, isize groups, double rescale) const {
        attention<S> made(width, o.head_dim == 0 ? 1 : width / o.head_dim, groups, o.norm_eps);
        made.rescale = rescale;
        return made;
    }

    /// As in diffusers, the middle attention without its own groups has no norm if scale_shift is set.
    [[nodiscard]] isize middle_groups() const {
        return o.middle_attention_groups != 0 ? o.middle_attention_groups : o.scale_shift ? 0 : o.groups;
    }
};

/// The stages of a U-Net.
template <Scalar S>
struct unet_stages {
    std::vector<unet_stage<S>> down, up;
    std::optional<unet_stage<S>> middle;

    /// As unet_builder.
    unet_stages(const unet_options& o, isize embedding) {
        unet_builder<S>{o, embedding}.for_each_stage([this](unet_path path, unet_stage<S>&& stage) {
            if (path == unet_path::middle) {
                middle = std::move(stage);
            } else {
                (path == unet_path::down ? down : up).push_back(std::move(stage));
            }
        });
    }
};

}  // namespace ddpm::nn::detail
