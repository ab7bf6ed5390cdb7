// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/atomic_file.hpp>
#include <ddpm/io/detail/input_file.hpp>
#include <ddpm/io/detail/npy_header.hpp>
#include <ddpm/io/detail/read_converted.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ddpm::io {

/// Writes a batch as a NumPy array of shape (N, D), C order: one sample per row of the array. By way of atomic_file.
/// @shape samples D × N
/// @throws io_error if writing fails
/// @source NumPy, NEP 1, format version 1.0
template <BatchLike X>
void write_npy(const std::string& path, const X& samples) {
    using scalar = scalar_of<X>;
    const ddpm::detail::readable<X> memory(samples);
    const batch_view<const scalar>& view = memory.view();
    atomic_file file(path);
    file.write(detail::bytes_of(detail::npy_prefix(sizeof(scalar), view.columns(), view.rows())));
    if (view.contiguous()) {
        file.write(std::as_bytes(std::span(view.data(), static_cast<std::size_t>(view.size()))));
    } else {
        for (index n = 0; n < view.columns(); ++n) {
            file.write(std::as_bytes(std::span(view.column(n), static_cast<std::size_t>(view.rows()))));
        }
    }
    file.commit();
}

namespace detail {

/// Fills the batch that an array of that header is, by read(values): a function that takes the values in the file's
/// order.
template <Scalar S, class Read>
[[nodiscard]] batch<S> npy_batch(const npy_header& header, Read&& read) {
    if (header.fortran_order) {
        batch<S> transposed(header.rows, header.columns);
        read(std::span<S>(transposed.data(), static_cast<std::size_t>(transposed.size())));
        return transposed.transpose();
    }
    batch<S> out(header.columns, header.rows);
    read(std::span<S>(out.data(), static_cast<std::size_t>(out.size())));
    return out;
}

}  // namespace detail

/// Reads a NumPy array of shape (N, D), little-endian float32 or float64, C or Fortran order, as a batch; float64 to
/// float rounds to nearest.
/// @shape D × N
/// @throws io_error if the file is not such an array, or its size is not exactly what its header says
template <Scalar S>
[[nodiscard]] batch<S> read_npy(const std::string& path) {
    const detail::input_file file(path);
    std::array<std::byte, detail::npy_longest_prefix> buffer{};
    const auto prefix =
        std::span(buffer).first(static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), file.size())));
    file.read(0, prefix);
    const detail::npy_header header = detail::parse_npy_header(prefix, file.size(), path);
    return detail::npy_batch<S>(header, [&](std::span<S> values) {
        if (header.element_bytes == sizeof(S)) {
            file.read(header.data_start, std::as_writable_bytes(values));
        } else if (header.element_bytes == sizeof(float)) {
            detail::read_converted(file, header.data_start, values, detail::convert_number<float, S>);
        } else {
            detail::read_converted(file, header.data_start, values, detail::convert_number<double, S>);
        }
    });
}

/// The same of a file in memory; `where` names it in messages.
template <Scalar S>
[[nodiscard]] batch<S> parse_npy(std::span<const std::byte> file, std::string_view where) {
    const detail::npy_header header = detail::parse_npy_header(file, file.size(), where);
    return detail::npy_batch<S>(header, [&](std::span<S> values) {
        const std::byte* from = file.data() + header.data_start;
        for (S& value : values) {
            value = header.element_bytes == sizeof(float) ? static_cast<S>(detail::load_little<float>(from))
                                                          : static_cast<S>(detail::load_little<double>(from));
            from += header.element_bytes;
        }
    });
}

}  // namespace ddpm::io
