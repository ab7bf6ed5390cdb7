// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/detail/bytes.hpp>
#include <ddpm/io/detail/checked.hpp>
#include <ddpm/io/detail/foreign_content.hpp>
#include <ddpm/io/detail/input_file.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
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

/// Checks an IDX header of unsigned bytes against the file size, and returns the extents. The format is the magic
/// number 0, 0, 8, number of dimensions, then one big-endian 32-bit extent each, then exactly their product of bytes.
template <std::size_t Dimensions>
[[nodiscard]] std::array<isize, Dimensions> idx_extents(std::span<const std::byte> prefix, std::uint64_t file_size,
                                                        std::string_view where) {
    constexpr std::size_t header_bytes = 4 + 4 * Dimensions;
    constexpr std::uint32_t magic = 0x0800u + static_cast<std::uint32_t>(Dimensions);
    if (prefix.size() < header_bytes) {
        throw io_error(where, "too short for an IDX file", ddpm::detail::text("at least ", header_bytes, " bytes"),
                       file_size);
    }
    if (const std::uint32_t got = load_big_u32(prefix.data()); got != magic) {
        throw io_error(where, ddpm::detail::text("not an IDX file of ", Dimensions, " dimensions of bytes"),
                       ddpm::detail::text("magic number ", magic),
                       ddpm::detail::text(got, ", ", foreign_content(prefix)));
    }
    std::array<isize, Dimensions> extents{};
    std::uint64_t product = 1;
    for (std::size_t i = 0; i < Dimensions; ++i) {
        const std::uint32_t extent = load_big_u32(prefix.data() + 4 + 4 * i);
        const auto next = checked_multiply(product, extent);
        if (extent == 0 || !next) {
            throw io_error(where, ddpm::detail::text("IDX extent ", i), "at least 1 and a product below 2^64", extent);
        }
        extents[i] = static_cast<isize>(extent);
        product = *next;
    }
    const auto total = checked_add(header_bytes, product);
    if (!total || *total != file_size) {
        throw io_error(where, "the size of the IDX file does not fit its header",
                       ddpm::detail::text(header_bytes, " + ", product, " bytes"), file_size);
    }
    return extents;
}

/// Reads an IDX file: allocates and fills `body` only after the header was checked against the file size.
template <std::size_t Dimensions>
[[nodiscard]] std::array<isize, Dimensions> read_idx(const std::string& path, std::vector<std::uint8_t>& body) {
    const input_file file(path);
    constexpr std::size_t header_bytes = 4 + 4 * Dimensions;
    std::array<std::byte, telling_bytes> buffer{};
    const auto prefix =
        std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), file.size())));
    file.read(0, prefix);
    const auto extents = idx_extents<Dimensions>(prefix, file.size(), path);
    const std::size_t length = file.size() - header_bytes;
    body.resize(length);
    file.read(header_bytes, std::as_writable_bytes(std::span(body)));
    return extents;
}

/// As above, from memory.
template <std::size_t Dimensions>
[[nodiscard]] std::array<isize, Dimensions> parse_idx(std::span<const std::byte> file, std::string_view where,
                                                      std::vector<std::uint8_t>& body) {
    const auto extents = idx_extents<Dimensions>(file, file.size(), where);
    const auto* first = reinterpret_cast<const std::uint8_t*>(file.data());
    body.assign(first + 4 + 4 * Dimensions, first + file.size());
    return extents;
}

}  // namespace detail

/// Reads images: an IDX file of unsigned bytes with three dimensions (magic number 0x00000803), as MNIST has.
/// @throws io_error if it is not such a file, an extent is 0, or its size is not exactly what its header implies
[[nodiscard]] inline idx_images read_idx_images(const std::string& path) {
    idx_images images;
    const auto [count, height, width] = detail::read_idx<3>(path, images.pixels);
    images.count = count;
    images.height = height;
    images.width = width;
    return images;
}

/// As above, from memory; `where` names the source in messages.
[[nodiscard]] inline idx_images parse_idx_images(std::span<const std::byte> file, std::string_view where) {
    idx_images images;
    const auto [count, height, width] = detail::parse_idx<3>(file, where, images.pixels);
    images.count = count;
    images.height = height;
    images.width = width;
    return images;
}

/// Reads labels, one for each image: an IDX file of unsigned bytes with one dimension (magic number 0x00000801).
/// @throws io_error if it is not such a file, is empty, or its size is not exactly what its header implies
[[nodiscard]] inline std::vector<std::uint8_t> read_idx_labels(const std::string& path) {
    std::vector<std::uint8_t> labels;
    static_cast<void>(detail::read_idx<1>(path, labels));
    return labels;
}

/// As above, from memory; `where` names the source in messages.
[[nodiscard]] inline std::vector<std::uint8_t> parse_idx_labels(std::span<const std::byte> file,
                                                                std::string_view where) {
    std::vector<std::uint8_t> labels;
    static_cast<void>(detail::parse_idx<1>(file, where, labels));
    return labels;
}

/// The images as a batch, scaled to [−1, 1]: pixel / 127.5 − 1.
/// @shape height·width × count
/// @throws shape_error if the number of pixels is not count · height · width
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
