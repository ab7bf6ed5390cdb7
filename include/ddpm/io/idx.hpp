// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/detail/input_file.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/detail/foreign_content.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::io {

/// Grey images of equal size: image after image, row after row.
struct idx_images {
    isize count = 0;
    isize height = 0;
    isize width = 0;
    std::vector<std::uint8_t> pixels;

    [[nodiscard]] sample_shape shape() const noexcept { return {height, width, 1}; }
};

namespace detail {

/// Reads an IDX file of unsigned bytes, an input_file or a memory_file, and returns its extents. `body` is allocated
/// only after the header was checked against the file size. The format is the magic number 0, 0, 8, number of
/// dimensions, then one big-endian 32-bit extent each, then exactly their product of bytes.
template <std::size_t Dimensions, class File>
[[nodiscard]] std::array<isize, Dimensions> read_idx(const File& file, std::vector<std::uint8_t>& body) {
    constexpr std::size_t header_bytes = 4 + 4 * Dimensions;
    constexpr std::uint32_t magic = 0x0800u + static_cast<std::uint32_t>(Dimensions);
    const std::string& where = file.path();
    std::array<std::byte, telling_bytes> buffer{};
    const std::span<const std::byte> prefix = ddpm::detail::read_prefix(file, buffer);
    if (prefix.size() < header_bytes) {
        throw io_error(where, "too short for an IDX file", ddpm::detail::text("at least ", header_bytes, " bytes"),
                       file.size());
    }
    if (const std::uint32_t got = ddpm::detail::load_big_u32(prefix.data()); got != magic) {
        throw io_error(where, ddpm::detail::text("not an IDX file of ", Dimensions, " dimensions of bytes"),
                       ddpm::detail::text("magic number ", magic),
                       ddpm::detail::text(got, ", ", foreign_content(prefix)));
    }
    std::array<isize, Dimensions> extents{};
    std::uint64_t product = 1;
    for (std::size_t i = 0; i < Dimensions; ++i) {
        const std::uint32_t extent = ddpm::detail::load_big_u32(prefix.data() + 4 + 4 * i);
        const auto next = ddpm::detail::checked_multiply(product, extent);
        if (extent == 0 || !next) {
            throw io_error(where, ddpm::detail::text("IDX extent ", i), "at least 1 and a product below 2^64", extent);
        }
        extents[i] = static_cast<isize>(extent);
        product = *next;
    }
    const auto total = ddpm::detail::checked_add(header_bytes, product);
    if (!total || *total != file.size()) {
        throw io_error(where, "the size of the IDX file does not fit its header",
                       ddpm::detail::text(header_bytes, " + ", product, " bytes"), file.size());
    }
    body.resize(product);
    file.read(header_bytes, std::as_writable_bytes(std::span(body)));
    return extents;
}

template <class File>
[[nodiscard]] idx_images images_of(const File& file) {
    std::vector<std::uint8_t> pixels;
    const auto [count, height, width] = read_idx<3>(file, pixels);
    return {count, height, width, std::move(pixels)};
}

template <class File>
[[nodiscard]] std::vector<std::uint8_t> labels_of(const File& file) {
    std::vector<std::uint8_t> labels;
    static_cast<void>(read_idx<1>(file, labels));
    return labels;
}

}  // namespace detail

/// Reads images: an IDX file of unsigned bytes with three dimensions (magic number 0x00000803), as MNIST has.
/// @throws io_error if it is not such a file, an extent is 0, or its size is not exactly what its header implies
[[nodiscard]] inline idx_images read_idx_images(const std::string& path) {
    return detail::images_of(ddpm::detail::input_file(path));
}

/// As above, from memory; `where` names the source in messages.
[[nodiscard]] inline idx_images parse_idx_images(std::span<const std::byte> file, std::string_view where) {
    return detail::images_of(ddpm::detail::memory_file(file, where));
}

/// Reads labels, one for each image: an IDX file of unsigned bytes with one dimension (magic number 0x00000801).
/// @throws io_error if it is not such a file, is empty, or its size is not exactly what its header implies
[[nodiscard]] inline std::vector<std::uint8_t> read_idx_labels(const std::string& path) {
    return detail::labels_of(ddpm::detail::input_file(path));
}

/// As above, from memory; `where` names the source in messages.
[[nodiscard]] inline std::vector<std::uint8_t> parse_idx_labels(std::span<const std::byte> file,
                                                                std::string_view where) {
    return detail::labels_of(ddpm::detail::memory_file(file, where));
}

/// The images as a batch, scaled to [−1, 1]: pixel / 127.5 − 1.
/// @shape height·width × count
/// @throws shape_error if the number of pixels is not count · height · width
/// @accuracy each value is the double pixel / 127.5 − 1, rounded to S
template <Scalar S>
[[nodiscard]] batch<S> to_batch(const idx_images& images) {
    std::array<S, 256> values{};
    for (std::size_t pixel = 0; pixel < values.size(); ++pixel) {
        values[pixel] = static_cast<S>(static_cast<double>(pixel) / 127.5 - 1.0);
    }
    batch<S> out(images.shape().size(), images.count);
    if (static_cast<std::size_t>(out.size()) != images.pixels.size()) {
        throw shape_error("to_batch", "pixels", out.size(), images.pixels.size());
    }
    std::transform(images.pixels.begin(), images.pixels.end(), out.data(),
                   [&](std::uint8_t pixel) { return values[pixel]; });
    return out;
}

}  // namespace ddpm::io
