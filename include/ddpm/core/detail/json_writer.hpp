// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/json_reader.hpp>
#include <ddpm/core/detail/utf8.hpp>
#include <ddpm/core/error.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace ddpm::detail {

/// Appends a JSON string: quotes, backslashes and control characters escaped, everything else as it stands.
/// @throws value_error if the text is not UTF-8
inline void append_json_string(std::string& out, std::string_view text) {
    if (const std::size_t bad = first_invalid_utf8(text); bad != text.size()) {
        throw value_error("append_json_string", detail::text("text is not UTF-8 at byte ", bad));
    }
    constexpr std::string_view hex = "0123456789abcdef";
    constexpr std::string_view meanings = "\"\\\b\f\n\r\t";
    constexpr std::string_view letters = "\"\\bfnrt";
    out.push_back('"');
    for (const char c : text) {
        if (const std::size_t which = meanings.find(c); which != meanings.npos) {
            out.push_back('\\');
            out.push_back(letters[which]);
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out.append("\\u00");
            out.push_back(hex[static_cast<unsigned char>(c) >> 4]);
            out.push_back(hex[static_cast<unsigned char>(c) & 15]);
        } else {
            out.push_back(c);
        }
    }
    out.push_back('"');
}

/// Appends a number: of a real one the shortest text that reads back as the same double, with a fraction or an exponent
/// so that it stays one.
/// @throws value_error if it is not finite
inline void append_json_number(std::string& out, const json_number& number) {
    if (number.is != json_number::form::real) {
        out.append(number.is == json_number::form::natural ? std::to_string(number.natural)
                                                           : std::to_string(number.negative));
        return;
    }
    if (!std::isfinite(number.real)) {
        throw value_error("append_json_number", "JSON has no such number", "a finite number", number.real);
    }
    char buffer[32];
    const std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), number.real);
    const std::string_view token(buffer, static_cast<std::size_t>(end.ptr - buffer));
    out.append(token);
    if (token.find_first_of(".e") == token.npos) {
        out.append(".0");
    }
}

/// A text from a file, fit for an error message: quoted, escaped, and cut after 80 bytes.
[[nodiscard]] inline std::string quoted(std::string_view utf8_text) {
    constexpr std::size_t longest = 80;
    std::string out;
    const std::string_view head = utf8_text.substr(0, longest);
    append_json_string(out, head.substr(0, first_invalid_utf8(head)));
    return utf8_text.size() > longest ? out + "..." : out;
}

}  // namespace ddpm::detail
