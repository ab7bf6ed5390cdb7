// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/networks/unet_options.hpp>

#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm::nn {

namespace detail {

/// Parameter counts of a U-Net's layers, as doubles: they do not overflow, and are exact below 2^53.
struct unet_sizes {
    const unet_options& o;
    double embedding = o.time_embedding_dim != 0 ? static_cast<double>(o.time_embedding_dim) : 4 * channels(0);

    [[nodiscard]] double channels(std::size_t level) const { return static_cast<double>(o.channels[level]); }

    [[nodiscard]] static double conv(double inputs, double outputs, double side) {
        return inputs * outputs * side * side + outputs;
    }
    [[nodiscard]] static double dense(double inputs, double outputs) { return inputs * outputs + outputs; }
    [[nodiscard]] static double norm(double width) { return 2 * width; }

    [[nodiscard]] double block(double inputs, double outputs) const {
        return norm(inputs) + norm(outputs) + conv(inputs, outputs, 3) + conv(outputs, outputs, 3) +
               dense(embedding, o.scale_shift ? 2 * outputs : outputs) +
               (inputs != outputs ? conv(inputs, outputs, 1) : 0);
    }
    [[nodiscard]] static double attention(double width, bool normed) {
        return (normed ? norm(width) : 0) + 4 * dense(width, width);
    }
    [[nodiscard]] double resampler(double width, unet_resampling kind) const {
        return kind == unet_resampling::residual ? block(width, width) : conv(width, width, 3);
    }

    /// Time and condition embeddings.
    [[nodiscard]] double embeddings() const {
        const double width = channels(0), vector = static_cast<double>(o.vector);
        const double projected = o.time == unet_time::fourier ? 2 * width : width;
        const double mlp = dense(projected, embedding) + dense(embedding, embedding);
        return mlp + (o.time == unet_time::fourier ? width : 0) +
               (o.time == unet_time::learned ? static_cast<double>(o.train_timesteps) * width : 0) +
               (o.classes == unet_classes::table ? static_cast<double>(o.class_count) * embedding : 0) +
               (o.classes == unet_classes::timestep ? mlp : 0) +
               (o.vector != 0 ? dense(vector, embedding) + dense(embedding, embedding) : 0) +
               (o.learned_null ? vector + static_cast<double>(o.map_channels) : 0);
    }

    /// The stages, as detail::unet_stages constructs them.
    [[nodiscard]] double stages() const {
        const std::size_t levels = o.channels.size();
        double sum = 0, width = channels(0);
        std::vector<double> skips{width};
        for (std::size_t i = 0; i < levels; ++i) {
            const bool attends = o.down[i] == unet_level::attention;
            for (isize j = 0; j < o.layers; ++j) {
                sum += block(width, channels(i)) + (attends ? attention(channels(i), true) : 0);
                width = channels(i);
                skips.push_back(width);
            }
            if (i + 1 < levels) {
                sum += resampler(width, resampling_of(o.down[i], o.downsample));
                skips.push_back(width);
            }
        }
        if (o.middle) {
            const bool normed = o.middle_attention_groups != 0 || !o.scale_shift;
            sum += 2 * block(width, width) + (o.middle_attention ? attention(width, normed) : 0);
        }
        for (std::size_t i = 0; i < levels; ++i) {
            const bool attends = o.up[i] == unet_level::attention;
            const double outputs = channels(levels - 1 - i);
            for (isize j = 0; j <= o.layers; ++j) {
                sum += block(width + skips.back(), outputs) + (attends ? attention(outputs, true) : 0);
                skips.pop_back();
                width = outputs;
            }
            if (i + 1 < levels) {
                sum += resampler(width, resampling_of(o.up[i], o.upsample));
            }
        }
        return sum;
    }
};

}  // namespace detail

/// The parameter count of a U-Net, without constructing it; the largest isize if it is 2^62 or more.
/// @throws value_error for options outside their domain
/// @complexity the number of residual blocks
[[nodiscard]] inline isize unet_parameter_count(const unet_options& options) {
    require_valid(options);
    const detail::unet_sizes sizes{options};
    const double first = sizes.channels(0);
    const double count = sizes.conv(static_cast<double>(options.in_channels), first, 3) + sizes.embeddings() +
                         sizes.stages() + sizes.norm(first) +
                         sizes.conv(first, static_cast<double>(options.out_channels), 3);
    return count < 0x1p62 ? static_cast<isize>(count) : std::numeric_limits<isize>::max();
}

}  // namespace ddpm::nn
