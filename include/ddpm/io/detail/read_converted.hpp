// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/detail/half.hpp>
#include <ddpm/io/detail/byte_source.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ddpm::io::detail {

/// How many bytes are read at a time into a buffer on the stack if they must be converted.
inline constexpr std::size_t chunk_bytes = std::size_t{1} << 16;

template <class Stored, class T>
[[nodiscard]] T convert_number(Stored x) noexcept {
    return static_cast<T>(x);
}

template <class T>
[[nodiscard]] T convert_f16(std::uint16_t x) noexcept {
    return T{ddpm::detail::float_of_f16(x)};
}

template <class T>
[[nodiscard]] T convert_bf16(std::uint16_t x) noexcept {
    return T{to_float(bfloat16{x})};
}

/// Fills `out` with to(value) of the stored values at a position of the file.
template <class Stored, class T>
void read_converted(const byte_source& file, std::uint64_t position, std::span<T> out, T (*to)(Stored) noexcept) {
    std::array<Stored, chunk_bytes / sizeof(Stored)> chunk;
    while (!out.empty()) {
        const auto part = std::span(chunk).first(std::min(chunk.size(), out.size()));
        file.read(position, std::as_writable_bytes(part));
        std::transform(part.begin(), part.end(), out.begin(), to);
        position += part.size_bytes();
        out = out.subspan(part.size());
    }
}

}  // namespace ddpm::io::detail
