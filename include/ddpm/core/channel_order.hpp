// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <string_view>

namespace ddpm {

/// The position of the channel among an image's dimensions.
enum class channel_order {
    last,  ///< height, width, channel (NHWC): the order of this library
    first  ///< channel, height, width (NCHW): the order of torch
};

namespace detail {

/// Converts one image of `positions` pixels from planes (one per channel) to interleaved channels.
template <Scalar S>
void planes_to_pixels(const S* planes, isize positions, isize channels, S* pixels) noexcept {
    for (isize position = 0; position < positions; ++position) {
        for (isize channel = 0; channel < channels; ++channel) {
            pixels[position * channels + channel] = planes[channel * positions + position];
        }
    }
}

/// The inverse of planes_to_pixels.
template <Scalar S>
void pixels_to_planes(const S* pixels, isize positions, isize channels, S* planes) noexcept {
    for (isize channel = 0; channel < channels; ++channel) {
        for (isize position = 0; position < positions; ++position) {
            planes[channel * positions + position] = pixels[position * channels + channel];
        }
    }
}

/// @throws shape_error unless `rows` is the number of elements of a sample of that shape
inline void require_image(std::string_view where, isize rows, sample_shape shape) {
    if (shape.height < 0 || shape.width < 0 || shape.channels < 0 || rows != shape.size()) {
        throw shape_error(where, "elements of an image", text(shape.height, " x ", shape.width, " x ", shape.channels),
                          rows);
    }
}

/// out = convert(image) for each image: planes_to_pixels or pixels_to_planes.
template <BatchLike X, Scalar S>
void convert_images(std::string_view where, const X& images, sample_shape shape, batch_view<S> out,
                    void (*convert)(const S*, isize, isize, S*) noexcept) {
    const readable<X> memory(images);
    const batch_view<const S>& from = memory.view();
    require_image(where, from.rows(), shape);
    require_same_shape(where, "output", from, out);
    for (isize n = 0; n < from.columns(); ++n) {
        convert(from.column(n), shape.height * shape.width, shape.channels, out.column(n));
    }
}

}  // namespace detail

/// Converts images from torch's order N × C × H × W to a batch. `images` is their memory as a C·H·W × N array.
/// @shape images, out D × N with D = shape.size()
/// @throws shape_error if D is not shape.size(), or `out` differs in size from `images`
/// @accuracy exact
template <BatchLike X>
void nchw_to_batch(const X& images, sample_shape shape, batch_view<scalar_of<X>> out) {
    detail::convert_images("nchw_to_batch", images, shape, out, detail::planes_to_pixels<scalar_of<X>>);
}

/// As above, returned as a new batch.
template <BatchLike X>
[[nodiscard]] batch<scalar_of<X>> nchw_to_batch(const X& images, sample_shape shape) {
    const detail::readable<X> memory(images);
    batch<scalar_of<X>> out(memory.view().rows(), memory.view().columns());
    nchw_to_batch(memory.view(), shape, batch_view<scalar_of<X>>(out));
    return out;
}

/// Converts a batch to torch's order: the memory of `out` is N × C × H × W.
/// @shape samples, out D × N with D = shape.size()
/// @throws shape_error if D is not shape.size(), or `out` differs in size from `samples`
/// @accuracy exact
template <BatchLike X>
void batch_to_nchw(const X& samples, sample_shape shape, batch_view<scalar_of<X>> out) {
    detail::convert_images("batch_to_nchw", samples, shape, out, detail::pixels_to_planes<scalar_of<X>>);
}

/// As above, returned as a new array.
template <BatchLike X>
[[nodiscard]] batch<scalar_of<X>> batch_to_nchw(const X& samples, sample_shape shape) {
    const detail::readable<X> memory(samples);
    batch<scalar_of<X>> out(memory.view().rows(), memory.view().columns());
    batch_to_nchw(memory.view(), shape, batch_view<scalar_of<X>>(out));
    return out;
}

}  // namespace ddpm
