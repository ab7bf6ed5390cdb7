// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/io/image_grid.hpp>

#include <png.h>

#include <algorithm>
#include <string>

namespace examples {

/// Writes an image of one channel (grey) or three (red, green, blue).
/// @throws ddpm::io_error if the file cannot be written
inline void write_png(const std::string& path, const ddpm::io::image8& image) {
    png_image png{};
    png.version = PNG_IMAGE_VERSION;
    png.width = static_cast<png_uint_32>(image.width);
    png.height = static_cast<png_uint_32>(image.height);
    png.format = image.channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    if (png_image_write_to_file(&png, path.c_str(), 0, image.pixels.data(), 0, nullptr) == 0) {
        throw ddpm::io_error("write_png", path + ": " + png.message);
    }
}

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
