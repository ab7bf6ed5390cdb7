// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/channel_order.hpp>
#include <ddpm/core/detail/input_file.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/atomic_file.hpp>
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

/// Writes the samples one after another, many per call: copy(from, to) writes one of them to its place in the buffer.
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

/// Writes a batch as a NumPy array of shape (N, D) in C order, one sample per row, by atomic_file.
/// @shape samples D × N
/// @throws io_error if writing fails; `path` keeps the old content, with the exception named in atomic_file::commit
/// @source NumPy, NEP 1, format version 1.0
/// @accuracy exact
template <BatchLike X>
void write_npy(const std::string& path, const X& samples) {
    using scalar = scalar_of<X>;
    const ddpm::detail::readable<X> memory(samples);
    const batch_view<const scalar>& view = memory.view();
    atomic_file file(path);
    file.write(ddpm::detail::bytes_of(detail::npy_prefix(sizeof(scalar), std::array{view.columns(), view.rows()})));
    if (view.contiguous()) {
        file.write(std::as_bytes(std::span(view.data(), static_cast<std::size_t>(view.size()))));
    } else {
        detail::write_samples(file, view, [&](const scalar* from, scalar* to) { std::copy_n(from, view.rows(), to); });
    }
    file.commit();
}

/// Writes images as a four-dimensional NumPy array: (N, H, W, C), or (N, C, H, W) as in torch.
/// @shape samples D × N with D = shape.size()
/// @throws shape_error if D is not shape.size(); io_error as write_npy
/// @accuracy exact
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
    file.write(ddpm::detail::bytes_of(detail::npy_prefix(sizeof(scalar), extents)));
    detail::write_samples(file, view, [&](const scalar* from, scalar* to) {
        if (planes) {
            ddpm::detail::pixels_to_planes(from, shape.height * shape.width, shape.channels, to);
        } else {
            std::copy_n(from, view.rows(), to);
        }
    });
    file.commit();
}

/// Reads a NumPy array as a batch. An array of shape (N, …) gives N samples, each in C order, so that images (N, H, W,
/// C) have the order of this library; one of shape (D) gives one sample. The elements may be booleans, integers or
/// floating-point numbers of at most 8 bytes, of either byte order, in C or Fortran order. Values are not scaled: a
/// pixel 255 is 255. float64 is rounded to the nearest float; integers are never rounded.
/// @shape D × N
/// @throws io_error if the file is not such an array, its size is not exactly what its header implies, or S cannot
/// represent an integer in it exactly
/// @source NumPy, NEP 1
/// @accuracy exact; float64 read as float is the nearest
template <Scalar S>
[[nodiscard]] batch<S> read_npy(const std::string& path) {
    const ddpm::detail::input_file file(path);
    return detail::read_npy_batch<S>(file, detail::read_npy_header(file));
}

/// As above, from memory; `where` names the source in messages.
template <Scalar S>
[[nodiscard]] batch<S> parse_npy(std::span<const std::byte> file, std::string_view where) {
    return detail::read_npy_batch<S>(ddpm::detail::memory_file(file, where),
                                     detail::parse_npy_header(file, file.size(), where));
}

/// A batch of images and their shape.
template <Scalar S>
struct npy_images {
    batch<S> samples;    ///< D × N, the channel fastest
    sample_shape shape;  ///< of one image
};

/// Reads a NumPy array of images: (N, H, W, C), or (N, C, H, W) if `order` says so, or (N, H, W) as grey images.
/// Otherwise as read_npy.
/// @throws io_error as read_npy, or if the array has another number of dimensions
/// @accuracy as read_npy
template <Scalar S>
[[nodiscard]] npy_images<S> read_npy_images(const std::string& path, channel_order order = channel_order::last) {
    const ddpm::detail::input_file file(path);
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
        std::vector<S> image(static_cast<std::size_t>(out.samples.cols() == 0 ? 0 : out.shape.size()));
        for (isize n = 0; n < out.samples.cols(); ++n) {
            S* const pixels = out.samples.col(n).data();
            std::copy_n(pixels, image.size(), image.data());
            ddpm::detail::planes_to_pixels(image.data(), out.shape.height * out.shape.width, out.shape.channels,
                                           pixels);
        }
    } else {
        out.shape = {size[1], size[2], size[3]};
    }
    return out;
}

}  // namespace ddpm::io
