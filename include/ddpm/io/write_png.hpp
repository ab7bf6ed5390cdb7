// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/atomic_file.hpp>
#include <ddpm/io/detail/crc32.hpp>
#include <ddpm/io/detail/deflate.hpp>
#include <ddpm/io/image_grid.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::io {

namespace detail {

/// PNG's filters of a row: what is written is a byte less what the filter predicts from its neighbours.
enum class png_filter : std::uint8_t { none = 0, sub = 1, up = 2 };

/// Writes `row` less what `filter` predicts to `out`. Before the first row come zeros, and so do before the first pixel.
inline void filter_row(png_filter filter, std::span<const std::uint8_t> row, std::span<const std::uint8_t> above,
                       std::size_t channels, std::uint8_t* out) {
    for (std::size_t i = 0; i < row.size(); ++i) {
        const unsigned left = i < channels ? 0 : row[i - channels];
        const unsigned predicted = filter == png_filter::sub ? left : filter == png_filter::up ? above[i] : 0u;
        out[i] = static_cast<std::uint8_t>((row[i] + 256u - predicted) % 256);
    }
}

/// The sum of the absolute values of bytes taken as signed: the usual estimate of how badly a row compresses.
[[nodiscard]] inline std::uint64_t magnitude(std::span<const std::uint8_t> bytes) {
    std::uint64_t sum = 0;
    for (const std::uint8_t byte : bytes) {
        sum += static_cast<std::uint64_t>(byte < 128 ? byte : 256 - byte);
    }
    return sum;
}

/// The rows of an image, each after the number of its filter, which is the one with the smallest magnitude.
[[nodiscard]] inline std::vector<std::uint8_t> filtered_rows(const image8& image) {
    const auto channels = static_cast<std::size_t>(image.channels);
    const std::size_t width = static_cast<std::size_t>(image.width) * channels;
    const std::span<const std::uint8_t> pixels(image.pixels);
    const std::vector<std::uint8_t> zeros(width);
    std::vector<std::uint8_t> out, filtered(width);
    out.reserve((width + 1) * static_cast<std::size_t>(image.height));
    std::span<const std::uint8_t> above(zeros);
    for (std::size_t first = 0; first < pixels.size(); first += width) {
        const std::span<const std::uint8_t> row = pixels.subspan(first, width);
        std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
        const std::size_t start = out.size();
        out.resize(start + 1 + width);
        for (const png_filter filter : {png_filter::none, png_filter::sub, png_filter::up}) {
            filter_row(filter, row, above, channels, filtered.data());
            if (const std::uint64_t sum = magnitude(filtered); sum < least) {
                least = sum;
                out[start] = static_cast<std::uint8_t>(filter);
                std::copy(filtered.begin(), filtered.end(), out.begin() + static_cast<std::ptrdiff_t>(start + 1));
            }
        }
        above = row;
    }
    return out;
}

/// Writes a chunk of a PNG file: length, type, data, and the checksum of the last two.
inline void write_png_chunk(atomic_file& file, std::string_view type, std::span<const std::byte> data) {
    crc32 sum;
    sum.update(ddpm::detail::bytes_of(type));
    sum.update(data);
    file.write(ddpm::detail::big_u32(static_cast<std::uint32_t>(data.size())));
    file.write(ddpm::detail::bytes_of(type));
    file.write(data);
    file.write(ddpm::detail::big_u32(sum.value()));
}

}  // namespace detail

/// Writes an image of 8-bit values as a PNG file, by atomic_file: grey for one channel, grey and alpha for two, RGB for
/// three, RGBA for four. It needs no other library, and compresses less well than libpng.
/// @throws shape_error if the image has no pixels, another number of channels, 2^31 pixels or more a side, or more or
/// fewer pixels than it says; value_error if the compressed data take 2^31 bytes or more; io_error if writing fails;
/// `path` then keeps the old content, with the exception named in atomic_file::commit
/// @source W3C, Portable Network Graphics (second edition), ISO/IEC 15948
inline void write_png(const std::string& path, const image8& image) {
    constexpr isize largest = std::numeric_limits<std::int32_t>::max();
    if (image.height < 1 || image.width < 1 || image.height > largest || image.width > largest) {
        throw shape_error("write_png", "sides of an image", "1 to 2^31 - 1 pixels",
                          ddpm::detail::text(image.height, " x ", image.width));
    }
    if (image.channels < 1 || image.channels > 4) {
        throw shape_error("write_png", "channels of an image", "1 to 4", image.channels);
    }
    // Sides below 2^31 and at most four channels: the product fits into 64 bits.
    const std::uint64_t size = static_cast<std::uint64_t>(image.height) * static_cast<std::uint64_t>(image.width) *
                               static_cast<std::uint64_t>(image.channels);
    if (size != image.pixels.size()) {
        throw shape_error("write_png", "values of an image", size, image.pixels.size());
    }
    const std::vector<std::uint8_t> data = detail::zlib_compressed(detail::filtered_rows(image));
    if (data.size() > static_cast<std::size_t>(largest)) {
        throw value_error("write_png", "image too large", "less than 2^31 bytes, compressed", data.size());
    }
    constexpr std::array<std::uint8_t, 5> color_types{0, 0, 4, 2, 6};
    std::array<std::byte, 13> header{};
    std::ranges::copy(ddpm::detail::big_u32(static_cast<std::uint32_t>(image.width)), header.begin());
    std::ranges::copy(ddpm::detail::big_u32(static_cast<std::uint32_t>(image.height)), header.begin() + 4);
    header[8] = std::byte{8};  // bits of a value
    header[9] = std::byte{color_types[static_cast<std::size_t>(image.channels)]};

    atomic_file file(path);
    file.write(ddpm::detail::bytes_of("\x89PNG\r\n\x1a\n"));
    detail::write_png_chunk(file, "IHDR", header);
    detail::write_png_chunk(file, "IDAT", std::as_bytes(std::span(data)));
    detail::write_png_chunk(file, "IEND", {});
    file.commit();
}

}  // namespace ddpm::io
