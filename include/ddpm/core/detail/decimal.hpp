// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <new>
#include <string_view>

#if defined(_WIN32)
#include <charconv>
#include <system_error>
#endif

#include <locale.h>
#include <stdlib.h>
#if __has_include(<xlocale.h>)
#include <xlocale.h>
#endif

namespace ddpm::detail {

/// The longest decimal number that is accepted.
inline constexpr std::size_t longest_number = 1000;

/// The double nearest to a decimal number of at most longest_number characters; ±∞ beyond the range of double. Uses
/// strtod in the C locale, because a stream hides a failed allocation, and some libraries lack std::from_chars for
/// double.
[[nodiscard]] inline double real_of_decimal(std::string_view token) {
#if defined(_WIN32)
    // The system's own strtod does not round to the nearest; it is asked only for what is beyond the range of double.
    double value = 0;
    if (std::from_chars(token.data(), token.data() + token.size(), value).ec == std::errc{}) {
        return value;
    }
    static const _locale_t classic = ::_create_locale(LC_ALL, "C");
#else
    static const locale_t classic = ::newlocale(LC_ALL_MASK, "C", nullptr);
#endif
    if (classic == nullptr) {
        throw std::bad_alloc();
    }
    std::array<char, longest_number + 1> text{};
    std::copy(token.begin(), token.end(), text.begin());
#if defined(_WIN32)
    return ::_strtod_l(text.data(), nullptr, classic);
#else
    return ::strtod_l(text.data(), nullptr, classic);
#endif
}

}  // namespace ddpm::detail
