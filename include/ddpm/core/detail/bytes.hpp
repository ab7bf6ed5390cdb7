// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace ddpm::detail {

static_assert(std::endian::native == std::endian::little, "ddpm's file formats need a little-endian machine");

/// The bytes of a text.
[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) noexcept {
    return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

/// The text in these bytes.
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The little-endian value at an address of any alignment.
template <class T>
[[nodiscard]] T load_little(const std::byte* from) noexcept {
    T value;
    std::memcpy(&value, from, sizeof(T));
    return value;
}

/// The big-endian 32-bit value at an address of any alignment.
[[nodiscard]] inline std::uint32_t load_big_u32(const std::byte* from) noexcept {
    return std::to_integer<std::uint32_t>(from[0]) << 24 | std::to_integer<std::uint32_t>(from[1]) << 16 |
           std::to_integer<std::uint32_t>(from[2]) << 8 | std::to_integer<std::uint32_t>(from[3]);
}

/// The big-endian bytes of a 32-bit number.
[[nodiscard]] inline std::array<std::byte, 4> big_u32(std::uint32_t value) noexcept {
    return {std::byte(value >> 24), std::byte(value >> 16 & 0xff), std::byte(value >> 8 & 0xff),
            std::byte(value & 0xff)};
}

}  // namespace ddpm::detail
