// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/initialize.hpp>
#include <ddpm/nn/layers/activation.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/time_embedding.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace ddpm::nn {

/// The kind of a level, which has residual blocks and a resampler.
enum class unet_level {
    plain,      ///< a convolution resamples (DownBlock2D, UpBlock2D)
    attention,  ///< attention after each residual block (AttnDownBlock2D, AttnUpBlock2D)
    residual    ///< a residual block resamples (ResnetDownsampleBlock2D, ResnetUpsampleBlock2D)
};

/// How an attention level changes the resolution.
enum class unet_resampling {
    conv,     ///< a convolution of stride 2; nearest neighbours, then a convolution
    residual  ///< a residual block that resamples both of its branches
};

/// The input of the time embedding's MLP: sinusoidal, random Fourier features, or a learned vector per timestep.
enum class unet_time { positional, fourier, learned };

/// The class embedding, which is added to that of the time.
enum class unet_classes {
    none,
    table,     ///< one learned vector for each class
    timestep,  ///< the label, embedded as the time is
    identity   ///< the label is the embedding
};

/// The hyper-parameters of a U-Net: those of diffusers' UNet2DModel, with its defaults, for the blocks DownBlock2D,
/// AttnDownBlock2D, ResnetDownsampleBlock2D, UpBlock2D, AttnUpBlock2D, ResnetUpsampleBlock2D and UNetMidBlock2D, all
/// its activations, and heads that take all channels. Blocks of the kinds Skip, K and cross-attention do not exist.
/// @source https://huggingface.co/docs/diffusers/api/models/unet2d
struct unet_options {
    isize height = 32;                       ///< of the images
    isize width = 32;                        ///< of the images; 2^(levels − 1) must divide height and width
    isize in_channels = 3;                   ///< of the sample and the maps
    isize map_channels = 0;                  ///< how many of them are maps; the others are the sample's
    isize out_channels = 3;                  ///< the sample's, or twice as many: the second half is the variance head
    bool center_input = false;               ///< the input is 2x − 1
    unet_time time = unet_time::positional;  ///< the kind of the time embedding
    isize time_embedding_dim = 0;            ///< 0: four times the first level's channels
    double freq_shift = 0;  ///< of sinusoidal embeddings: see nn::time_embedding; 0 or 1 in published models
    embedding_order order = embedding_order::cos_sin;  ///< of the halves of sinusoidal embeddings
    /// The levels of the path down, from the images' resolution on.
    std::vector<unet_level> down{unet_level::plain, unet_level::attention, unet_level::attention,
                                 unet_level::attention};
    /// The levels of the path up, from the lowest resolution on: up[0] has the channels of the last of `channels`.
    std::vector<unet_level> up{unet_level::attention, unet_level::attention, unet_level::attention, unet_level::plain};
    std::vector<isize> channels{224, 448, 672, 896};  ///< of each level
    isize layers = 2;                                 ///< residual blocks per level; one more on the up path
    bool middle = true;                               ///< whether there are middle blocks, at the lowest resolution
    bool middle_attention = true;                     ///< whether attention is between the two middle blocks
    double middle_scale = 1;                          ///< divisor of the outputs of the middle blocks
    conv_padding downsample_padding = conv_padding::symmetric;  ///< of convolutions of stride 2
    unet_resampling downsample = unet_resampling::conv;         ///< of attention levels
    unet_resampling upsample = unet_resampling::conv;           ///< of attention levels
    /// The activation of the residual blocks and of the embedding that they take. The embedding's MLP and the output
    /// always use silu.
    activation act = activation::silu;
    double dropout = 0;  ///< in [0, 1): the probability with which a residual block drops an element in training
    isize head_dim = 8;  ///< channels of an attention head; 0: one head
    isize groups = 32;   ///< of all group norms
    isize middle_attention_groups = 0;  ///< of the middle attention's norm; 0: `groups`
    double norm_eps = 1e-5;             ///< added to the variances by all norms
    bool scale_shift = false;  ///< the time scales and shifts after a block's second norm; otherwise it is added before
    unet_classes classes = unet_classes::none;  ///< the kind of the class embedding
    isize class_count = 0;                      ///< of the table
    isize vector = 0;                           ///< size of the vector condition; 0: none
    bool learned_null = false;                  ///< vector and maps may be absent; a null value is learned
    isize train_timesteps = 0;                  ///< of the learned time embedding
    /// Whether 3 × 3 convolutions of float, and those of a packed network in bfloat16 where the processor has no fast
    /// products of pairs, may use Winograd's algorithm where it is faster: see conv2d::winograd.
    bool winograd = true;
    std::uint64_t seed = 0;                ///< of the initial parameters
    start_kind start = start_kind::torch;  ///< the rule for the initial parameters
};

namespace detail {

/// The resampler of a level, given that of attention levels.
[[nodiscard]] constexpr unet_resampling resampling_of(unet_level level, unet_resampling of_attention) noexcept {
    return level == unet_level::plain      ? unet_resampling::conv
           : level == unet_level::residual ? unet_resampling::residual
                                           : of_attention;
}

}  // namespace detail

/// Checks the options of a U-Net with L levels, L the number of `channels`.
/// @throws value_error that names the first option outside its domain, unless 1 ≤ L ≤ 16, and `down` and `up` have L
/// levels; height and width are multiples of 2^(L − 1), and above 0; in_channels, out_channels, layers and groups are
/// ≥ 1, and 0 ≤ map_channels < in_channels; vector, time_embedding_dim, middle_attention_groups, head_dim and norm_eps
/// are ≥ 0, and middle_scale is > 0 and finite; vector is 0 if `classes` is identity; 0 ≤ dropout < 1; `act` is not none; channels
/// are ≥ 1 and multiples of groups, and those of levels with attention also of head_dim, unless head_dim is 0;
/// middle_attention_groups divides the last of `channels`, or is 0; train_timesteps ≥ 1 for a learned time embedding,
/// and class_count ≥ 1 for a table of classes
/// @throws shape_error if a sample has 2^63 elements or more
inline void require_valid(const unet_options& o) {
    const auto require = [](bool valid, std::string_view what, std::string_view expected, const auto& got) {
        ddpm::detail::require(valid, "unet", what, {expected}, {got});
    };
    const std::size_t levels = o.channels.size();
    require(levels >= 1 && levels <= 16, "number of levels", "1 ... 16", levels);
    require(o.down.size() == levels, "stages on the way down", ddpm::detail::text(levels), o.down.size());
    require(o.up.size() == levels, "stages on the way up", ddpm::detail::text(levels), o.up.size());
    const isize halvings = isize{1} << (levels - 1);
    for (const isize size : {o.height, o.width}) {
        require(size >= 1 && size % halvings == 0, "height and width", ddpm::detail::text("multiples of ", halvings),
                size);
    }
    require(o.in_channels >= 1, "in_channels", ">= 1", o.in_channels);
    require(o.map_channels >= 0 && o.map_channels < o.in_channels, "map_channels",
            ddpm::detail::text("0 ... ", o.in_channels - 1, ", fewer than in_channels"), o.map_channels);
    require(o.out_channels >= 1, "out_channels", ">= 1", o.out_channels);
    require(o.vector >= 0, "vector", ">= 0", o.vector);
    require(o.vector == 0 || o.classes != unet_classes::identity, "vector", "0, since the classes are vectors",
            o.vector);
    static_cast<void>(sample_shape(o.height, o.width, std::max(o.in_channels, o.out_channels)).size());
    require(o.time_embedding_dim >= 0, "time_embedding_dim", ">= 0", o.time_embedding_dim);
    require(o.layers >= 1, "layers", ">= 1", o.layers);
    require(o.middle_scale > 0 && std::isfinite(o.middle_scale), "middle_scale", "> 0 and finite", o.middle_scale);
    require(o.dropout >= 0 && o.dropout < 1, "dropout", "in [0, 1), since 1 leaves nothing to train", o.dropout);
    require(o.groups >= 1, "groups", ">= 1", o.groups);
    require(o.middle_attention_groups >= 0, "middle_attention_groups", ">= 0", o.middle_attention_groups);
    require(o.norm_eps >= 0, "norm_eps", ">= 0", o.norm_eps);
    require(o.head_dim >= 0, "head_dim", ">= 0", o.head_dim);
    require(o.act != activation::none, "act", "a function that is not the identity", "none");
    for (std::size_t i = 0; i < levels; ++i) {
        require(o.channels[i] >= 1 && o.channels[i] % o.groups == 0, "channels",
                ddpm::detail::text("multiples of groups, ", o.groups), o.channels[i]);
        const bool attends = o.down[i] == unet_level::attention || o.up[levels - 1 - i] == unet_level::attention ||
                             (i + 1 == levels && o.middle && o.middle_attention);
        require(!attends || o.head_dim == 0 || o.channels[i] % o.head_dim == 0, "channels of an attention level",
                ddpm::detail::text("multiples of head_dim, ", o.head_dim, ", since the heads take all channels"),
                o.channels[i]);
    }
    require(o.middle_attention_groups == 0 || o.channels.back() % o.middle_attention_groups == 0,
            "middle_attention_groups", ddpm::detail::text("a divisor of ", o.channels.back()),
            o.middle_attention_groups);
    require(o.time != unet_time::learned || o.train_timesteps >= 1, "train_timesteps", ">= 1", o.train_timesteps);
    require(o.classes != unet_classes::table || o.class_count >= 1, "class_count", ">= 1", o.class_count);
}

}  // namespace ddpm::nn
