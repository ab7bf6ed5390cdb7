// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/read_pixels.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>

#include <algorithm>
#include <span>

namespace ddpm::nn::detail {

/// What a layer reads: maps whose channels are joined, normalized and activated while they are read.
template <class T>
struct packed_input {
    std::span<const stored_map<T>> parts;
    const float* factors = nullptr;  ///< for each sample as find_norm_factors writes them; null: no normalization
    kernels::activation act = kernels::activation::none;
    bool upsampled = false;  ///< every pixel stands for four; for a shortcut, or Winograd's algorithm

    [[nodiscard]] isize channels() const noexcept {
        isize sum = 0;
        for (const stored_map<T>& part : parts) {
            sum += part.channels;
        }
        return sum;
    }
    /// The number of elements in memory.
    [[nodiscard]] isize size() const noexcept { return channels() * parts.front().pixels() * samples(); }
    [[nodiscard]] isize height() const noexcept { return parts.front().height << (upsampled ? 1 : 0); }
    [[nodiscard]] isize width() const noexcept { return parts.front().width << (upsampled ? 1 : 0); }
    [[nodiscard]] isize samples() const noexcept { return parts.front().samples; }
};

/// Where a row of pixels is read to: channel c of pixel p to data[c / chunk · to_chunk + p · pixel + c % chunk].
template <class X>
struct row_place {
    X* data;
    isize chunk, to_chunk;
    isize pixel;
};

/// Reads channels first … first + count − 1 of row y of sample n, normalized and activated, with the precision of T.
/// The row is not one of the upsampled map, but its pixels are repeated.
template <class T, class X>
void read_row(const packed_input<T>& in, isize n, isize y, isize first, isize count, const row_place<X>& to) {
    const isize channels = in.channels();
    const float* const a = in.factors == nullptr ? nullptr : in.factors + n * 2 * channels;
    isize before = 0;  // channels of earlier parts
    for (const stored_map<T>& part : in.parts) {
        const isize begin = std::max(first, before), end = std::min(first + count, before + part.channels);
        if (begin < end) {
            kernels::detail::read_pixels<T, X>(
                {part.row(n, y) + begin - before, part.channels, part.width, end - begin,
                 a == nullptr ? nullptr : a + begin, a == nullptr ? nullptr : a + channels + begin, to.data,
                 begin - first, to.chunk, to.to_chunk, to.pixel, in.upsampled ? 2 : 1},
                in.act);
        }
        before += part.channels;
    }
}

/// A map of floats as products of rounded numbers read it.
struct float_input : normalized_map<float> {
    static constexpr bool upsampled = false;

    [[nodiscard]] isize height() const noexcept { return map.height; }
    [[nodiscard]] isize width() const noexcept { return map.width; }
};

/// Reads channels first … first + count − 1 of row y of sample n, normalized, activated and rounded to X.
template <class X>
void read_row(const float_input& in, isize n, isize y, isize first, isize count, const row_place<X>& to) {
    const feature_map<const float>& map = in.map;
    const float* const a = in.factors_of(n, first);
    kernels::detail::read_pixels<float, X>(
        {map.data + (n * map.height + y) * map.width * map.channels + first, map.channels, map.width, count, a,
         a == nullptr ? nullptr : a + map.channels, to.data, 0, to.chunk, to.to_chunk, to.pixel, 1},
        in.act);
}

/// Writes to `to` the means of 2 × 2 pixels, as downsample_average, of what the input is read as.
template <class T>
void pool_pixels(const packed_input<T>& x, const stored_map<T>& to) {
    struct rows_tag {};  // for thread_scratch
    const isize channels = to.channels, length = x.width() * channels;
    parallel_for(to.samples * to.height, 1, [&](isize first, isize last) {
        float* const two = thread_scratch<rows_tag, float>(2 * length);
        for (isize task = first; task < last; ++task) {
            const isize n = task / to.height, y = task % to.height;
            read_row(x, n, 2 * y, 0, channels, row_place<float>{two, channels, 0, channels});
            read_row(x, n, 2 * y + 1, 0, channels, row_place<float>{two + length, channels, 0, channels});
            for (isize p = 0; p < to.width; ++p) {
                float* const sum = two + p * channels;
                const float* const from = two + 2 * p * channels;
                for (isize c = 0; c < channels; ++c) {
                    sum[c] = (from[c] + from[c + channels] + from[c + length] + from[c + length + channels]) / 4;
                }
            }
            kernels::detail::convert(to.width * channels, two, to.row(n, y));
        }
    });
}

}  // namespace ddpm::nn::detail
