// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/group_norm.hpp>
#include <ddpm/nn/inference/detail/stored_map.hpp>

#include <algorithm>
#include <cstring>
#include <span>
#include <type_traits>

namespace ddpm::nn::detail {

/// What a layer reads: maps whose channels are joined, normalized and activated while they are read.
template <class T>
struct packed_input {
    std::span<const stored_map<T>> parts;
    const float* factors = nullptr;  ///< for each sample as find_norm_factors writes them; null: no normalization
    kernels::activation act = kernels::activation::none;
    bool upsampled = false;  ///< every pixel stands for four

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

struct staged_row_tag {};  ///< for thread_scratch: a row of pixels as floats
struct read_row_tag {};    ///< the same as products read it

/// Channels first … first + count − 1 of row y of sample n, after normalization and activation, as numbers of type X
/// that bfloat16 can hold if T is bfloat16; pixels are `pitch` apart.
template <class X, class T>
void read_row(const packed_input<T>& in, isize n, isize y, isize first, isize count, X* out, isize pitch) {
    const isize width = in.parts.front().width;
    const bool plain = in.factors == nullptr && in.act == kernels::activation::none;
    float* row = nullptr;  // where pixels are computed
    if constexpr (std::is_same_v<X, float>) {
        row = out;
    } else {
        row = thread_scratch<staged_row_tag, float>(width * pitch);
    }
    const isize channels = in.channels();
    const float* const factors = plain ? nullptr : in.factors + n * 2 * channels;
    isize before = 0;  // channels of earlier parts
    for (const stored_map<T>& part : in.parts) {
        const isize begin = std::max(first, before), end = std::min(first + count, before + part.channels);
        if (begin < end) {
            const T* const from = part.row(n, y) + begin - before;
            const isize length = end - begin, place = begin - first;
            if (plain && std::is_same_v<X, T>) {
                for (isize p = 0; p < width; ++p) {
                    std::memcpy(out + p * pitch + place, from + p * part.channels,
                                static_cast<std::size_t>(length) * sizeof(T));
                }
            } else {
                const batch_view<float> to(row + place, length, width, pitch);
                batch_view<const float> values = to;
                if constexpr (std::is_same_v<T, float>) {
                    values = {from, length, width, part.channels};
                } else {
                    for (isize p = 0; p < width; ++p) {
                        kernels::convert(length, from + p * part.channels, to.column(p));
                    }
                }
                if (!plain) {
                    kernels::scale_shift<float>(values, factors + begin, factors + channels + begin, in.act, to);
                }
            }
        }
        before += part.channels;
    }
    if (plain && std::is_same_v<X, T>) {
        return;
    }
    if (!std::is_same_v<X, float> || (std::is_same_v<T, bfloat16> && !plain)) {
        for (isize p = 0; p < width; ++p) {
            kernels::convert_as<T>(count, row + p * pitch, out + p * pitch);
        }
    }
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
            read_row<float>(x, n, 2 * y, 0, channels, two, channels);
            read_row<float>(x, n, 2 * y + 1, 0, channels, two + length, channels);
            for (isize p = 0; p < to.width; ++p) {
                float* const sum = two + p * channels;
                const float* const from = two + 2 * p * channels;
                for (isize c = 0; c < channels; ++c) {
                    sum[c] = (from[c] + from[c + channels] + from[c + length] + from[c + length + channels]) / 4;
                }
            }
            kernels::convert(to.width * channels, two, to.row(n, y));
        }
    });
}

}  // namespace ddpm::nn::detail
