// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/layers/group_norm.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
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

/// The moments of the channels of a panel of 32, from those of the blocks.
template <class T>
class panel_moments {
public:
    panel_moments(const stored_map<T>& part, isize n, isize panel) : pixels_(static_cast<double>(part.pixels())) {
        for_each_block(part, n, panel, [&](double count, const float* mean, const float*) {
            for (isize i = 0; i < width; ++i) {
                mean_[i] += count / pixels_ * static_cast<double>(mean[i]);
            }
        });
        for_each_block(part, n, panel, [&](double count, const float* mean, const float* squares) {
            for (isize i = 0; i < width; ++i) {
                const double difference = static_cast<double>(mean[i]) - mean_[i];
                squares_[i] += static_cast<double>(squares[i]) + count * difference * difference;
            }
        });
    }

    [[nodiscard]] set_moments of_channel(isize i) const noexcept { return {pixels_, mean_[i], squares_[i]}; }

    static constexpr isize width = stored_map<T>::panel;

private:
    /// Calls body(pixels, means, squares) for all blocks of sample n.
    template <class Body>
    static void for_each_block(const stored_map<T>& part, isize n, isize panel, const Body& body) {
        for (isize phase = 0; phase < part.phases; ++phase) {
            for (isize block = 0; block < part.phase_blocks(); ++block) {
                const float* const moments = part.moments_of(n, phase, block) + panel * 2 * width;
                body(static_cast<double>(part.block_pixels(block)), moments, moments + width);
            }
        }
    }

    double pixels_;
    double mean_[static_cast<std::size_t>(width)]{};
    double squares_[static_cast<std::size_t>(width)]{};
};

/// A group normalization as one factor and one summand for each channel: norm(x) = factors(c) · x + factors(C + c).
/// `parts` are maps whose channels, joined, are the C channels of the norm.
/// @shape scale_shift as group_norm::forward; factors 2 · C
/// @determinism the moments of a map's blocks are joined in their order, then those of a group's channels
template <class T>
void find_norm_factors(const group_norm<float>& norm, std::span<const stored_map<T>> parts, isize n,
                       batch_view<const float> scale_shift, float* factors) {
    const isize channels = norm.channels(), per_group = channels / norm.groups;
    set_moments group;
    isize c = 0;
    for (const stored_map<T>& part : parts) {
        std::optional<panel_moments<T>> panel;
        for (isize i = 0; i < part.channels; ++i, ++c) {
            constexpr isize width = panel_moments<T>::width;
            if (i % width == 0) {
                panel.emplace(part, n, i / width);
            }
            const set_moments channel = panel->of_channel(i % width);
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
