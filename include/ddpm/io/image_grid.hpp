// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace ddpm::io {

/// An image of 8-bit values, row after row, the channel fastest.
struct image8 {
    isize height = 0;
    isize width = 0;
    isize channels = 1;
    std::vector<std::uint8_t> pixels;
};

/// Options of image_grid.
struct grid_options {
    isize columns = 0;            ///< tiles per row; 0: about square
    isize rows = 0;               ///< rows of tiles; 0: as needed
    isize padding = 1;            ///< pixels between and around tiles, before scaling
    isize scale = 1;              ///< each pixel becomes scale × scale pixels
    std::uint8_t background = 0;  ///< value of the padding and of empty tiles
};

/// Converts a value in [−1, 1] to 8 bits: clamp(x/2 + 1/2, 0, 1)·255, rounded half to even; NaN becomes 0.
/// @accuracy computed in double; v / 127.5 − 1, also as float, gives v for each 8-bit v
[[nodiscard]] inline std::uint8_t pixel_of(double x) noexcept {
    const double unit = x / 2 + 0.5;
    return unit > 0 ? static_cast<std::uint8_t>(std::nearbyint(std::min(unit, 1.0) * 255)) : std::uint8_t{0};
}

namespace detail {

/// Replaces the options that are 0 by their automatic values, and checks all.
[[nodiscard]] inline grid_options complete_grid(grid_options options, isize count, sample_shape shape) {
    constexpr auto where = "image_grid";
    if (options.columns < 0 || options.rows < 0 || options.padding < 0 || options.scale < 1) {
        throw value_error(where, "options", "columns, rows, padding >= 0 and scale >= 1", "less");
    }
    if (shape.height < 1 || shape.width < 1 || shape.channels < 1) {
        throw shape_error(where, "an image without pixels");
    }
    if (options.columns == 0) {
        const double ratio = options.rows > 0 ? static_cast<double>(count) / static_cast<double>(options.rows)
                                              : std::sqrt(static_cast<double>(count));
        options.columns = std::max<isize>(1, static_cast<isize>(std::ceil(ratio)));
    }
    if (options.rows == 0) {
        options.rows = std::max<isize>(1, count / options.columns + (count % options.columns != 0 ? 1 : 0));
    }
    // All factors are below this bound, so that no product of two overflows; the product of all is checked.
    constexpr isize largest = std::numeric_limits<std::int32_t>::max() / 4;
    if (std::max({options.columns, options.rows, options.padding, options.scale, shape.height, shape.width}) >
        largest) {
        throw value_error(where, "grid too large");
    }
    return options;
}

/// The length of a side: the tiles and the padding around them.
[[nodiscard]] inline isize grid_side(isize tiles, isize tile, const grid_options& options) {
    const auto pitch = static_cast<std::uint64_t>(tile + options.padding);
    const auto base = ddpm::detail::checked_multiply(static_cast<std::uint64_t>(tiles), pitch);
    const auto padded =
        base ? ddpm::detail::checked_add(*base, static_cast<std::uint64_t>(options.padding)) : std::nullopt;
    const auto side =
        padded ? ddpm::detail::checked_multiply(*padded, static_cast<std::uint64_t>(options.scale)) : std::nullopt;
    if (!side || *side > std::uint64_t{std::numeric_limits<std::int32_t>::max()}) {
        throw value_error("image_grid", "grid too large", "sides below 2^31 pixels", side ? *side : 0);
    }
    return static_cast<isize>(*side);
}

}  // namespace detail

/// Arranges images with values in [−1, 1] as tiles of one image, row by row, sample 0 at the top left.
/// @shape images D × N with D = shape.size(), channel fastest
/// @throws shape_error if D is not shape.size() or there are fewer tiles than images; value_error if an option is out
/// of range or a side has 2^31 pixels or more
/// @accuracy as pixel_of
template <BatchLike X>
[[nodiscard]] image8 image_grid(const X& images, sample_shape shape, const grid_options& asked = {}) {
    using scalar = scalar_of<X>;
    const ddpm::detail::readable<X> memory(images);
    const batch_view<const scalar>& view = memory.view();
    const grid_options options = detail::complete_grid(asked, view.columns(), shape);
    const isize area = shape.height * shape.width;
    if (view.rows() % area != 0 || view.rows() / area != shape.channels) {
        throw shape_error("image_grid", "rows of the batch",
                          ddpm::detail::text(shape.height, " x ", shape.width, " x ", shape.channels), view.rows());
    }
    if (view.columns() > options.rows * options.columns) {
        throw shape_error("image_grid", "fewer tiles than images", ddpm::detail::text("at least ", view.columns()),
                          options.rows * options.columns);
    }
    image8 out{detail::grid_side(options.rows, shape.height, options),
               detail::grid_side(options.columns, shape.width, options),
               shape.channels,
               {}};
    const auto size = ddpm::detail::checked_multiply(static_cast<std::uint64_t>(out.height * out.width),
                                                     static_cast<std::uint64_t>(shape.channels));
    if (!size || *size > out.pixels.max_size()) {
        throw value_error("image_grid", "grid too large");
    }
    out.pixels.assign(static_cast<std::size_t>(*size), options.background);
    for (isize n = 0; n < view.columns(); ++n) {
        const isize top = (options.padding + n / options.columns * (shape.height + options.padding)) * options.scale;
        const isize left = (options.padding + n % options.columns * (shape.width + options.padding)) * options.scale;
        for (isize y = 0; y < shape.height * options.scale; ++y) {
            for (isize x = 0; x < shape.width * options.scale; ++x) {
                const scalar* from =
                    view.column(n) + (y / options.scale * shape.width + x / options.scale) * shape.channels;
                std::uint8_t* to = out.pixels.data() + ((top + y) * out.width + left + x) * shape.channels;
                std::transform(from, from + shape.channels, to,
                               [](scalar value) { return pixel_of(static_cast<double>(value)); });
            }
        }
    }
    return out;
}

}  // namespace ddpm::io
