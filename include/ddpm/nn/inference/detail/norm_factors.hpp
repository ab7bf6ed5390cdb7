// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/inference/detail/stored_map.hpp>
#include <ddpm/nn/layers/group_norm.hpp>

#include <array>
#include <cmath>
#include <span>

namespace ddpm::nn::detail {

/// The mean of a set of numbers and the sum of their squared differences from it.
struct set_moments {
    double count = 0;
    double mean = 0;
    double squares = 0;

    /// Adds another set.
    /// @source Chan, Golub and LeVeque 1983
    void add(double more, double its_mean, double its_squares) noexcept {
        const double difference = its_mean - mean, total = count + more;
        mean += difference * (more / total);
        squares += its_squares + difference * difference * (count * more / total);
        count = total;
    }
};

/// A group normalization as one factor and one summand for each channel: norm(x) = factors(c) · x + factors(C + c).
/// `parts` are maps whose channels, joined, are the C channels of the norm.
/// @shape scale_shift as group_norm::forward; factors 2 · C
/// @determinism the moments of a map's blocks are joined in their order, then those of a group's channels
template <class T>
void find_norm_factors(const group_norm<float>& norm, std::span<const stored_map<T>> parts, isize n,
                       batch_view<const float> scale_shift, float* factors) {
    constexpr isize panel = stored_map<T>::panel;
    const isize channels = norm.channels(), per_group = channels / norm.groups;
    set_moments group;
    isize c = 0;
    for (const stored_map<T>& part : parts) {
        for (isize i = 0; i < part.channels; ++i, ++c) {
            set_moments channel;
            for (isize block = 0; block < part.blocks.blocks(); ++block) {
                const isize pixels = part.blocks.pixels(block);
                if (pixels != 0) {
                    const float* const moments = part.moments_of(n, block) + i / panel * 2 * panel + i % panel;
                    channel.add(static_cast<double>(pixels), static_cast<double>(moments[0]),
                                static_cast<double>(moments[panel]));
                }
            }
            group.add(channel.count, channel.mean, channel.squares);
            if ((c + 1) % per_group != 0) {
                continue;
            }
            const double inverse = 1 / std::sqrt(group.squares / group.count + norm.eps);
            for (isize k = c + 1 - per_group; k <= c; ++k) {
                double gain = 1, shift = 0;
                if (scale_shift.data() != nullptr) {
                    gain += static_cast<double>(scale_shift(k, n));
                    shift = static_cast<double>(scale_shift(channels + k, n));
                }
                factors[k] = static_cast<float>(inverse * static_cast<double>(norm.weight[k]) * gain);
                factors[channels + k] = static_cast<float>(static_cast<double>(norm.bias[k]) * gain + shift -
                                                           group.mean * static_cast<double>(factors[k]));
            }
            group = {};
        }
    }
}

}  // namespace ddpm::nn::detail
