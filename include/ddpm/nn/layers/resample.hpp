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

/// Calls body(low, high) in parallel for each row i of `low` and row 2i of `high`, as pointers to their elements.
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

/// Each pixel of `low` = factor · the sum of the four pixels of `high` that it covers.
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

/// Nearest-neighbour upsampling to twice the height and width: every pixel is copied to four.
struct upsample_nearest {
    /// y(:, h, w) = x(:, ⌊h/2⌋, ⌊w/2⌋).
    /// @shape x C × H × W × N; y C × 2H × 2W × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy exact
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

    /// dx(:, h, w) = Σ dy(:, 2h + a, 2w + b) over a, b = 0, 1: the pixel's four copies.
    /// @shape dy C × 2H × 2W × N; dx C × H × W × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy the sum in S, from left to right, row by row
    template <Scalar S>
    void backward(feature_map<const std::type_identity_t<S>> dy, feature_map<S> dx) const {
        detail::require_map("upsample_nearest::backward", "gradient of the output", dy, dx.channels, 2 * dx.height,
                            2 * dx.width, dx.samples);
        detail::sum_of_four<S>(dy, dx, S{1});
    }
};

/// Average pooling to half the height and width, rounded down: the means of 2 × 2 pixels, as torch's avg_pool2d(2, 2).
/// Of odd sizes the last row or column is ignored.
struct downsample_average {
    /// y(:, h, w) = ¼ Σ x(:, 2h + a, 2w + b) over a, b = 0, 1.
    /// @shape x C × H × W × N; y C × ⌊H/2⌋ × ⌊W/2⌋ × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy as upsample_nearest::backward, and exactly a quarter of that
    template <Scalar S>
    void forward(feature_map<const std::type_identity_t<S>> x, feature_map<S> y) const {
        detail::require_map("downsample_average::forward", "output", y, x.channels, x.height / 2, x.width / 2,
                            x.samples);
        detail::sum_of_four<S>(x, y, S(0.25));
    }

    /// dx(:, h, w) = ¼ dy(:, ⌊h/2⌋, ⌊w/2⌋); 0 for ignored pixels.
    /// @shape dy C × ⌊H/2⌋ × ⌊W/2⌋ × N; dx C × H × W × N
    /// @throws shape_error if the shapes do not fit
    /// @accuracy exact
    template <Scalar S>
    void backward(feature_map<const std::type_identity_t<S>> dy, feature_map<S> dx) const {
        detail::require_map("downsample_average::backward", "gradient of the output", dy, dx.channels, dx.height / 2,
                            dx.width / 2, dx.samples);
        const isize channels = dx.channels, high_row = dx.width * channels;
        detail::for_each_row_pair(dy, dx, [&](const S* from, S* to) {
            for (isize w = 0; w < dy.width; ++w, from += channels) {
                S* const left = to + 2 * w * channels;
                // The sum of two eighths is exactly the quarter.
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
