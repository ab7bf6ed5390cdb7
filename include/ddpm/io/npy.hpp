// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/channel_order.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/atomic_file.hpp>
#include <ddpm/io/detail/input_file.hpp>
#include <ddpm/io/detail/npy_header.hpp>
#include <ddpm/io/detail/npy_values.hpp>
#include <ddpm/io/detail/read_converted.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ddpm::io {

namespace detail {

/// Writes the samples one after another, many at a time: copy(from, to) puts one of them into its place.
template <Scalar S, class Copy>
void write_samples(atomic_file& file, const batch_view<const S>& view, const Copy& copy) {
    const isize rows = view.rows();
    const isize most = std::max<isize>(1, static_cast<isize>(chunk_bytes / sizeof(S)) / std::max<isize>(1, rows));
    std::vector<S> values(static_cast<std::size_t>(std::min(most, view.columns()) * rows));
    for (isize first = 0; first < view.columns(); first += most) {
        const isize count = std::min(most, view.columns() - first);
        for (isize n = 0; n < count; ++n) {
            copy(view.column(first + n), values.data() + n * rows);
        }
        file.write(std::as_bytes(std::span(values).first(static_cast<std::size_t>(count * rows))));
    }
}

}  // namespace detail

/// Writes a batch as a NumPy array of shape (N, D), C order: one sample per row of the array. By way of atomic_file.
/// @shape samples D × N
/// @throws io_error if writing fails; `path` then holds what it held before, unless the text says that the new content is
/// in place (see atomic_file::commit)
/// @source NumPy, NEP 1, format version 1.0
template <BatchLike X>
void write_npy(const std::string& path, const X& samples) {
    using scalar = scalar_of<X>;
    const ddpm::detail::readable<X> memory(samples);
    const batch_view<const scalar>& view = memory.view();
    atomic_file file(path);
    file.write(detail::bytes_of(detail::npy_prefix(sizeof(scalar), std::array{view.columns(), view.rows()})));
    if (view.contiguous()) {
        file.write(std::as_bytes(std::span(view.data(), static_cast<std::size_t>(view.size()))));
    } else {
        detail::write_samples(file, view, [&](const scalar* from, scalar* to) { std::copy_n(from, view.rows(), to); });
    }
    file.commit();
}

/// Writes a batch of images as a NumPy array of four dimensions: (N, H, W, C), or torch's (N, C, H, W).
/// @shape samples D × N with D = shape.size()
/// @throws shape_error if D does not fit the shape; io_error as write_npy
template <BatchLike X>
void write_npy(const std::string& path, const X& samples, sample_shape shape,
               channel_order order = channel_order::last) {
    using scalar = scalar_of<X>;
    const ddpm::detail::readable<X> memory(samples);
    const batch_view<const scalar>& view = memory.view();
    ddpm::detail::require_image("write_npy", view.rows(), shape);
    const isize count = view.columns();
    const bool planes = order == channel_order::first;
    const std::array extents = planes ? std::array{count, shape.channels, shape.height, shape.width}
                                      : std::array{count, shape.height, shape.width, shape.channels};
    atomic_file file(path);
    file.write(detail::bytes_of(detail::npy_prefix(sizeof(scalar), extents)));
    detail::write_samples(file, view, [&](const scalar* from, scalar* to) {
        if (planes) {
            ddpm::detail::pixels_to_planes(from, shape.height * shape.width, shape.channels, to);
        } else {
            std::copy_n(from, view.rows(), to);
        }
    });
    file.commit();
}

/// Reads a NumPy array as a batch: one of shape (N, …) as N samples, each with the remaining extents in C order, so that
/// images (N, H, W, C) stand in a batch's own order; one of a single extent (D) as one sample. Truth values, integers
/// and floating-point numbers of at most 8 bytes are read, of either order of bytes, in C or Fortran order, and stand in
/// the batch as they are: a pixel of 255 is 255. float64 to float rounds to nearest; an integer is never rounded.
/// @shape D × N
/// @throws io_error if the file is not such an array, its size is not exactly what its header says, or an integer in it
/// is one that S cannot hold
/// @source NumPy, NEP 1
template <Scalar S>
[[nodiscard]] batch<S> read_npy(const std::string& path) {
    const detail::input_file file(path);
    return detail::read_npy_batch<S>(file, detail::read_npy_header(file));
}

/// The same of a file in memory; `where` names it in messages.
template <Scalar S>
[[nodiscard]] batch<S> parse_npy(std::span<const std::byte> file, std::string_view where) {
    return detail::read_npy_batch<S>(detail::memory_file(file, where), detail::parse_npy_header(file, file.size(), where));
}

/// Images from a file.
template <Scalar S>
struct npy_images {
    batch<S> samples;    ///< D × N, the channel fastest
    sample_shape shape;  ///< of one image
};

/// Reads a NumPy array of images: four dimensions (N, H, W, C), or (N, C, H, W) if the order says so, or three (N, H, W)
/// as grey images. Otherwise as read_npy.
/// @throws io_error as read_npy, or if the array has other dimensions
template <Scalar S>
[[nodiscard]] npy_images<S> read_npy_images(const std::string& path, channel_order order = channel_order::last) {
    const detail::input_file file(path);
    const detail::npy_header header = detail::read_npy_header(file);
    const std::vector<isize>& size = header.shape;
    const bool planes = order == channel_order::first;
    if (size.size() != 4 && size.size() != 3) {
        throw io_error(path, "not an array of images",
                       planes ? "(images, channels, height, width)" : "(images, height, width, channels)",
                       detail::npy_shape_text(size));
    }
    npy_images<S> out{detail::read_npy_batch<S>(file, header), {}};
    if (size.size() == 3) {
        out.shape = {size[1], size[2], 1};
    } else if (planes) {
        out.shape = {size[2], size[3], size[1]};
        out.samples = nchw_to_batch(out.samples, out.shape);
    } else {
        out.shape = {size[1], size[2], size[3]};
    }
    return out;
}

}  // namespace ddpm::io
