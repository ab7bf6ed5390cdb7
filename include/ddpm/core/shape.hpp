// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/types.hpp>

namespace ddpm {

/// The shape of a sample: a vector, or height × width × channels with the channel fastest.
struct sample_shape {
    isize height = 0;
    isize width = 1;
    isize channels = 1;

    constexpr sample_shape() noexcept = default;

    /// A vector of `dimension` elements.
    constexpr sample_shape(isize dimension) noexcept : height(dimension) {}

    /// An image.
    constexpr sample_shape(isize height_, isize width_, isize channels_) noexcept
        : height(height_), width(width_), channels(channels_) {}

    /// D, the number of elements of a sample.
    /// @throws shape_error if one of the three is negative, or their product is 2^63 or more
    [[nodiscard]] constexpr isize size() const {
        return detail::element_count("sample_shape", {height, width, channels});
    }

    friend constexpr bool operator==(const sample_shape&, const sample_shape&) noexcept = default;
};

}  // namespace ddpm
