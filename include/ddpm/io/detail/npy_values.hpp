// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/core/detail/half.hpp>
#include <ddpm/core/detail/input_file.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/detail/npy_header.hpp>
#include <ddpm/io/detail/read_converted.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::io::detail {

struct npy_bool {
    std::uint8_t byte;
};
struct npy_f16 {
    std::uint16_t bits;
};

/// Whether a floating-point type represents an integer exactly.
template <Scalar S, std::integral T>
[[nodiscard]] constexpr bool holds(T x) noexcept {
    const auto bits = static_cast<std::uint64_t>(x);
    const std::uint64_t magnitude = std::cmp_less(x, 0) ? ~bits + 1 : bits;
    const int lowest = magnitude == 0 ? 0 : std::countr_zero(magnitude);
    return magnitude >> lowest <= std::uint64_t{1} << std::numeric_limits<S>::digits;
}

/// Fills `out` with the numbers of an array of type Stored from number `first` on, in the file's order.
/// @throws io_error if S cannot represent an integer exactly
template <class Stored, class File, Scalar S>
void read_npy_numbers(const File& file, const npy_header& header, std::size_t first, std::span<S> out) {
    std::uint64_t position = header.data_start + first * sizeof(Stored);
    if constexpr (std::same_as<Stored, S>) {
        if (!header.type.big_endian) {
            file.read(position, std::as_writable_bytes(out));
            return;
        }
    }
    std::array<Stored, chunk_bytes / sizeof(Stored)> chunk;
    for (std::size_t done = 0; done < out.size();) {
        const auto part = std::span(chunk).first(std::min(chunk.size(), out.size() - done));
        file.read(position, std::as_writable_bytes(part));
        position += part.size_bytes();
        for (Stored x : part) {
            if (header.type.big_endian) {
                auto bytes = std::bit_cast<std::array<std::byte, sizeof(Stored)>>(x);
                std::reverse(bytes.begin(), bytes.end());
                x = std::bit_cast<Stored>(bytes);
            }
            if constexpr (std::same_as<Stored, npy_bool>) {
                out[done] = x.byte == 0 ? S{0} : S{1};
            } else if constexpr (std::same_as<Stored, npy_f16>) {
                out[done] = S{ddpm::detail::float_of_f16(x.bits)};
            } else {
                if constexpr (std::integral<Stored>) {
                    if (!holds<S>(x)) {
                        throw io_error(file.path(), ddpm::detail::text("element ", first + done, " of the array"),
                                       ddpm::detail::text("an integer that ", sizeof(S) == 4 ? "float" : "double",
                                                          " holds without rounding"),
                                       x);
                    }
                }
                out[done] = static_cast<S>(x);
            }
            ++done;
        }
    }
}

/// As above for the type in the header.
template <class File, Scalar S>
void read_npy_values(const File& file, const npy_header& header, std::size_t first, std::span<S> out) {
    const std::size_t bytes = header.type.bytes;
    switch (header.type.kind) {
        case 'b':
            return read_npy_numbers<npy_bool>(file, header, first, out);
        case 'i':
            return bytes == 1   ? read_npy_numbers<std::int8_t>(file, header, first, out)
                   : bytes == 2 ? read_npy_numbers<std::int16_t>(file, header, first, out)
                   : bytes == 4 ? read_npy_numbers<std::int32_t>(file, header, first, out)
                                : read_npy_numbers<std::int64_t>(file, header, first, out);
        case 'u':
            return bytes == 1   ? read_npy_numbers<std::uint8_t>(file, header, first, out)
                   : bytes == 2 ? read_npy_numbers<std::uint16_t>(file, header, first, out)
                   : bytes == 4 ? read_npy_numbers<std::uint32_t>(file, header, first, out)
                                : read_npy_numbers<std::uint64_t>(file, header, first, out);
        default:
            return bytes == 2   ? read_npy_numbers<npy_f16>(file, header, first, out)
                   : bytes == 4 ? read_npy_numbers<float>(file, header, first, out)
                                : read_npy_numbers<double>(file, header, first, out);
    }
}

/// The position of a sample's element in C order, from its position in Fortran order; `size` is the sample's.
[[nodiscard]] inline isize c_place(isize place, std::span<const isize> extents, isize size) noexcept {
    isize out = 0;
    for (const isize extent : extents) {
        size /= extent;
        out += place % extent * size;
        place /= extent;
    }
    return out;
}

/// Reads the array with that header as a batch.
template <Scalar S, class File>
[[nodiscard]] batch<S> read_npy_batch(const File& file, const npy_header& header) {
    const isize samples = header.samples();
    const isize size = header.sample_size();
    batch<S> out(size, samples);
    const auto numbers = static_cast<std::size_t>(out.size());
    if (!header.fortran_order) {
        read_npy_values(file, header, 0, std::span<S>(out.data(), numbers));
        return out;
    }
    // In Fortran order each element's numbers of all samples lie together.
    std::vector<S> part(std::min(numbers, chunk_bytes / sizeof(S)));
    for (std::size_t first = 0; first < numbers; first += part.size()) {
        const auto read = std::span(part).first(std::min(part.size(), numbers - first));
        read_npy_values(file, header, first, read);
        isize n = static_cast<isize>(first) % samples, element = static_cast<isize>(first) / samples;
        isize place = c_place(element, header.sample_extents(), size);
        for (const S x : read) {
            if (n == samples) {
                n = 0;
                place = c_place(++element, header.sample_extents(), size);
            }
            out(place, n++) = x;
        }
    }
    return out;
}

/// Reads and checks the header of a file.
template <class File>
[[nodiscard]] npy_header read_npy_header(const File& file) {
    std::array<std::byte, npy_longest_prefix> buffer{};
    return parse_npy_header(ddpm::detail::read_prefix(file, buffer), file.size(), file.path());
}

}  // namespace ddpm::io::detail
