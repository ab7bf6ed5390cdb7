// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <algorithm>
#include <type_traits>

namespace ddpm::nn {

namespace detail {

/// Calls body(low, high) for each row of `low`, whose numbers it gives, and the row of twice its number in `high`, side
/// by side.
template <class L, class H, class Body>
void for_each_row_pair(const feature_map<L>& low, const feature_map<H>& high, Body&& body) {
    const isize low_row = low.width * low.channels, high_row = high.width * high.channels;
    const isize grain = kernels::columns_per_task(4 * low_row);
    parallel_for(low.height * low.samples, grain, [&](isize first, isize last) {
        for (isize row = first; row < last; ++row) {
            const isize high_number = row / low.height * high.height + row % low.height * 2;
            body(low.data + row * low_row, high.data + high_number * high_row);
        }
    });
}

/// low = factor · the sum of the four pixels of `high` that each of its own covers.
template <Scalar S>
void sum_of_four(const feature_map<const S>& high, const feature_map<S>& low, S factor) {
    const isize channels = low.channels, high_row = high.width * channels;
    for_each_row_pair(low, high, [&](S* to, const S* from) {
        for (isize w = 0; w < low.width; ++w, to += channels, from += 2 * channels) {
            kernels::linear_combination(channels, {factor, factor, factor, factor},
                                        {from, from + channels, from + high_row, from + high_row + channels}, to);
        }
    });
}

}  // namespace detail

/// Twice the height and the width: every pixel becomes four.
struct upsample_nearest {
    /// @shape x C × H × W × N; y C × 2H × 2W × N
    /// @throws shape_error if the shapes do not fit
    template <Scalar S>
    void forward(feature_map<const std::type_identity_t<S>> x, feature_map<S> y) const {
        detail::require_map("upsample_nearest::forward", "output", y, x.channels, 2 * x.height, 2 * x.width, x.samples);
        const isize channels = x.channels, high_row = y.width * channels;
        detail::for_each_row_pair(x, y, [&](const S* from, S* to) {
            for (isize w = 0; w < x.width; ++w, from += channels) {
                std::copy_n(from, channels, to + 2 * w * channels);
                std::copy_n(from, channels, to + (2 * w + 1) * channels);
            }
            std::copy_n(to, high_row, to + high_row);
        });
    }

    /// dx = the sum of the four gradients of a pixel, row by row.
    /// @shape dy C × 2H × 2W × N; dx C × H × W × N
    /// @throws shape_error if the shapes do not fit
    template <Scalar S>
    void backward(feature_map<const std::type_identity_t<S>> dy, feature_map<S> dx) const {
        detail::require_map("upsample_nearest::backward", "gradient of the output", dy, dx.channels, 2 * dx.height,
                            2 * dx.width, dx.samples);
        detail::sum_of_four<S>(dy, dx, S{1});
    }
};

/// Half the height and the width, rounded down: the means of 2 × 2 pixels, as torch's avg_pool2d(2, 2); what is left at
/// the right and at the bottom of odd sizes has no part in it.
struct downsample_average {
    /// @shape x C × H × W × N; y C × ⌊H/2⌋ × ⌊W/2⌋ × N
    /// @throws shape_error if the shapes do not fit
    template <Scalar S>
    void forward(feature_map<const std::type_identity_t<S>> x, feature_map<S> y) const {
        detail::require_map("downsample_average::forward", "output", y, x.channels, x.height / 2, x.width / 2,
                            x.samples);
        detail::sum_of_four<S>(x, y, S(0.25));
    }

    /// dx = a quarter of the gradient of the mean that a pixel is part of, or 0.
    /// @shape dy C × ⌊H/2⌋ × ⌊W/2⌋ × N; dx C × H × W × N
    /// @throws shape_error if the shapes do not fit
    template <Scalar S>
    void backward(feature_map<const std::type_identity_t<S>> dy, feature_map<S> dx) const {
        detail::require_map("downsample_average::backward", "gradient of the output", dy, dx.channels, dx.height / 2,
                            dx.width / 2, dx.samples);
        const isize channels = dx.channels, high_row = dx.width * channels;
        detail::for_each_row_pair(dy, dx, [&](const S* from, S* to) {
            for (isize w = 0; w < dy.width; ++w, from += channels) {
                S* const left = to + 2 * w * channels;
                // Two eighths of the one gradient there is: as exact as its quarter.
                kernels::linear_combination(channels, {S(0.125), S(0.125)}, {from, from}, left);
                std::copy_n(left, channels, left + channels);
            }
            std::fill_n(to + 2 * dy.width * channels, high_row - 2 * dy.width * channels, S{0});
            std::copy_n(to, high_row, to + high_row);
        });
        if (dx.height % 2 != 0) {
            for (isize n = 0; n < dx.samples; ++n) {
                std::fill_n(dx.data + ((n + 1) * dx.height - 1) * high_row, high_row, S{0});
            }
        }
    }
};

}  // namespace ddpm::nn
