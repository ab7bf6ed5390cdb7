// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <concepts>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace ddpm::detail {

/// a + b, or nullopt on overflow. These functions compute every size that comes from a file or a user.
template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, std::type_identity_t<T> b) noexcept {
    T sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? std::nullopt : std::optional(sum);
}

/// a · b, or nullopt on overflow.
template <std::integral T>
[[nodiscard]] constexpr std::optional<T> checked_multiply(T a, std::type_identity_t<T> b) noexcept {
    T product = 0;
    return __builtin_mul_overflow(a, b, &product) ? std::nullopt : std::optional(product);
}

[[noreturn]] inline void refuse_sizes(std::string_view where, std::initializer_list<isize> sizes) {
    std::string got;
    for (const isize size : sizes) {
        got += (got.empty() ? "" : " x ") + std::to_string(size);
    }
    throw shape_error(where, "number of elements", "sizes >= 0 with a product below 2^63", got);
}

/// The product of the sizes.
/// @throws shape_error if a size is negative, or the product of those above 0 is 2^63 or more
[[nodiscard]] constexpr isize element_count(std::string_view where, std::initializer_list<isize> sizes) {
    isize product = 1;
    bool empty = false, valid = true;
    for (const isize size : sizes) {
        const std::optional<isize> next = checked_multiply(product, size == 0 ? 1 : size);
        valid = valid && size >= 0 && next.has_value();
        product = next.value_or(0);
        empty = empty || size == 0;
    }
    if (!valid) {
        refuse_sizes(where, sizes);
    }
    return empty ? 0 : product;
}

}  // namespace ddpm::detail
