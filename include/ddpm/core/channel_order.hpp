// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <string_view>

namespace ddpm {

/// Where the channel stands among an image's dimensions.
enum class channel_order {
    last,  ///< height, width, channel (NHWC): a batch's own order
    first  ///< channel, height, width (NCHW): torch's order
};

namespace detail {

/// Copies one image of `positions` pixels, whose channels are planes one after another, into one of whole pixels.
template <Scalar S>
void planes_to_pixels(const S* planes, isize positions, isize channels, S* pixels) noexcept {
    for (isize position = 0; position < positions; ++position) {
        for (isize channel = 0; channel < channels; ++channel) {
            pixels[position * channels + channel] = planes[channel * positions + position];
        }
    }
}

/// The reverse of planes_to_pixels.
template <Scalar S>
void pixels_to_planes(const S* pixels, isize positions, isize channels, S* planes) noexcept {
    for (isize channel = 0; channel < channels; ++channel) {
        for (isize position = 0; position < positions; ++position) {
            planes[channel * positions + position] = pixels[position * channels + channel];
        }
    }
}

/// @throws shape_error unless a sample of that shape has so many elements
inline void require_image(std::string_view where, isize rows, sample_shape shape) {
    if (shape.height < 0 || shape.width < 0 || shape.channels < 0 || rows != shape.size()) {
        throw shape_error(where, "elements of an image",
                          text(shape.height, " x ", shape.width, " x ", shape.channels), rows);
    }
}

}  // namespace detail

/// Images of torch's order, N × C × H × W, as a batch. `images` is their memory seen as C·H·W × N.
/// @shape images, out D × N with D = shape.size()
/// @throws shape_error if D does not fit the shape, or `out` the images
template <BatchLike X>
void nchw_to_batch(const X& images, sample_shape shape, batch_view<scalar_of<X>> out) {
    const detail::readable<X> memory(images);
    const auto& from = memory.view();
    detail::require_image("nchw_to_batch", from.rows(), shape);
    detail::require_same_shape("nchw_to_batch", "output", from, out);
    for (isize n = 0; n < from.columns(); ++n) {
        detail::planes_to_pixels(from.column(n), shape.height * shape.width, shape.channels, out.column(n));
    }
}

/// The same, as a new batch.
template <BatchLike X>
[[nodiscard]] batch<scalar_of<X>> nchw_to_batch(const X& images, sample_shape shape) {
    const detail::readable<X> memory(images);
    batch<scalar_of<X>> out(memory.view().rows(), memory.view().columns());
    nchw_to_batch(memory.view(), shape, batch_view<scalar_of<X>>(out));
    return out;
}

/// A batch of images in torch's order: `out`, as memory, is N × C × H × W.
/// @shape samples, out D × N with D = shape.size()
/// @throws shape_error if D does not fit the shape, or `out` the samples
template <BatchLike X>
void batch_to_nchw(const X& samples, sample_shape shape, batch_view<scalar_of<X>> out) {
    const detail::readable<X> memory(samples);
    const auto& from = memory.view();
    detail::require_image("batch_to_nchw", from.rows(), shape);
    detail::require_same_shape("batch_to_nchw", "output", from, out);
    for (isize n = 0; n < from.columns(); ++n) {
        detail::pixels_to_planes(from.column(n), shape.height * shape.width, shape.channels, out.column(n));
    }
}

/// The same, as a new batch.
template <BatchLike X>
[[nodiscard]] batch<scalar_of<X>> batch_to_nchw(const X& samples, sample_shape shape) {
    const detail::readable<X> memory(samples);
    batch<scalar_of<X>> out(memory.view().rows(), memory.view().columns());
    batch_to_nchw(memory.view(), shape, batch_view<scalar_of<X>>(out));
    return out;
}

}  // namespace ddpm
