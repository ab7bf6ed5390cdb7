// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

// Every number that the library turns into text, for a file or for a message, passes here. None depends on a locale,
// neither C++'s global one nor C's.

namespace ddpm::detail {

/// Appends a number. One of floating point has 17 significant digits if `shortest` is false, else the fewest that read
/// back as the same number.
template <class T>
    requires(std::integral<T> || std::floating_point<T>)
void append_number(std::string& out, T value, bool shortest) {
    if constexpr (std::same_as<T, bool>) {
        out.push_back(value ? '1' : '0');
    } else {
        std::array<char, 64> digits{};
        char* const first = digits.data();
        char* const last = first + digits.size();
        std::to_chars_result end{first, std::errc{}};
        if constexpr (std::integral<T>) {
            end = std::to_chars(first, last, value);
        } else {
            end = shortest ? std::to_chars(first, last, value)
                           : std::to_chars(first, last, value, std::chars_format::general, 17);
        }
        out.append(first, end.ptr);
    }
}

/// Appends a text, a character, a number, or anything that can be streamed.
template <class Part>
void append_text(std::string& out, const Part& part) {
    if constexpr (std::is_convertible_v<const Part&, std::string_view>) {
        out.append(std::string_view(part));
    } else if constexpr (std::same_as<Part, char>) {
        out.push_back(part);
    } else if constexpr (std::integral<Part> || std::floating_point<Part>) {
        append_number(out, part, false);
    } else {
        std::ostringstream stream;
        stream.imbue(std::locale::classic());
        stream.exceptions(std::ios::badbit);  // a failed allocation is not to end as a shorter text
        stream.precision(17);
        stream << part;
        out.append(stream.str());
    }
}

/// The parts one after another.
template <class... Parts>
[[nodiscard]] std::string text(const Parts&... parts) {
    std::string out;
    (append_text(out, parts), ...);
    return out;
}

/// A number as the shortest text that reads back as the same number.
template <class T>
    requires(std::integral<T> || std::floating_point<T>)
[[nodiscard]] std::string exact_text(T value) {
    std::string out;
    append_number(out, value, true);
    return out;
}

}  // namespace ddpm::detail
