// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace ddpm::io {

/// The element types of safetensors files, in the format's own order.
/// @source safetensors, enum Dtype
enum class dtype : std::uint8_t {
    boolean,
    f4,
    f6_e2m3,
    f6_e3m2,
    u8,
    i8,
    f8_e5m2,
    f8_e4m3,
    f8_e8m0,
    f8_e4m3fnuz,
    f8_e5m2fnuz,
    i16,
    u16,
    f16,
    bf16,
    i32,
    u32,
    f32,
    c64,
    f64,
    i64,
    u64
};

namespace detail {

struct dtype_fact {
    std::string_view name;
    std::uint64_t bits;
};

inline constexpr std::array<dtype_fact, 22> dtype_facts{{
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
}};

template <class T>
inline constexpr bool always_false = false;

}  // namespace detail

/// The name of a type in the file format.
[[nodiscard]] constexpr std::string_view name_of(dtype type) noexcept {
    return detail::dtype_facts[static_cast<std::size_t>(type)].name;
}

/// The size of one element, in bits.
[[nodiscard]] constexpr std::uint64_t bits(dtype type) noexcept {
    return detail::dtype_facts[static_cast<std::size_t>(type)].bits;
}

/// Whether the library converts numbers of that type to float and double.
[[nodiscard]] constexpr bool converts_to_scalar(dtype type) noexcept {
    return type == dtype::f32 || type == dtype::f16 || type == dtype::bf16 || type == dtype::f64;
}

/// The type with that name, if there is one.
[[nodiscard]] constexpr std::optional<dtype> dtype_named(std::string_view text) noexcept {
    for (std::size_t i = 0; i < detail::dtype_facts.size(); ++i) {
        if (detail::dtype_facts[i].name == text) {
            return static_cast<dtype>(i);
        }
    }
    return std::nullopt;
}

/// The type that stores a C++ number type without conversion.
template <class T>
[[nodiscard]] constexpr dtype dtype_of() noexcept {
    if constexpr (std::is_same_v<T, float>) {
        return dtype::f32;
    } else if constexpr (std::is_same_v<T, double>) {
        return dtype::f64;
    } else if constexpr (std::is_same_v<T, bool>) {
        static_assert(detail::always_false<T>, "a byte of a file may be neither true nor false: use std::uint8_t");
    } else if constexpr (std::is_integral_v<T> && sizeof(T) <= 8) {
        constexpr std::array signed_types{dtype::i8, dtype::i16, dtype::i32, dtype::i64};
        constexpr std::array unsigned_types{dtype::u8, dtype::u16, dtype::u32, dtype::u64};
        return (std::is_signed_v<T> ? signed_types : unsigned_types)[std::bit_width(sizeof(T)) - 1];
    } else {
        static_assert(detail::always_false<T>, "no safetensors type holds this");
    }
}

}  // namespace ddpm::io
