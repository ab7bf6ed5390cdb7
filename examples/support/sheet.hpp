// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/image_grid.hpp>

#include <algorithm>

namespace examples {

/// Tiles on grey, with the pixels of small images enlarged so that a person can see them.
inline ddpm::io::grid_options sheet(ddpm::sample_shape image, ddpm::isize columns) {
    constexpr ddpm::isize smallest_side = 56;
    const ddpm::isize scale = std::max<ddpm::isize>(1, smallest_side / std::max(image.height, image.width));
    return {.columns = columns, .scale = scale, .background = 96};
}

/// One image above another of the same width.
inline ddpm::io::image8 stacked(ddpm::io::image8 upper, const ddpm::io::image8& lower) {
    upper.height += lower.height;
    upper.pixels.insert(upper.pixels.end(), lower.pixels.begin(), lower.pixels.end());
    return upper;
}

}  // namespace examples
