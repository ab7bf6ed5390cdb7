// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/json.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/config_limits.hpp>
#include <ddpm/io/atomic_file.hpp>

#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::diffusers::detail {

using ddpm::detail::json;
using ddpm::detail::json_kind;

/// The version of diffusers whose format is written.
inline constexpr std::string_view written_version = "0.42.1";

[[nodiscard]] inline json json_of(isize value) { return ddpm::detail::json_number(std::int64_t{value}); }
[[nodiscard]] inline json json_of(double value) { return value; }
[[nodiscard]] inline json json_of(bool value) { return value; }
[[nodiscard]] inline json json_of(std::string_view value) { return std::string(value); }
[[nodiscard]] inline json json_of(const char* value) { return std::string(value); }

/// A number that is written as an integer if it is one.
[[nodiscard]] inline json json_of_number(double value) {
    constexpr double exact = 9007199254740992.0;
    return std::trunc(value) == value && std::abs(value) < exact ? json_of(static_cast<isize>(value)) : json_of(value);
}

template <class Number>
[[nodiscard]] json json_of(const std::vector<Number>& values) {
    json list = json::array();
    for (const Number value : values) {
        list.items.push_back(json_of(value));
    }
    return list;
}

/// Adds a member to an object with sorted keys.
/// @throws value_error if the key exists
inline void add_member(json& object, std::string_view key, json value) {
    object.kind = json_kind::object;
    std::size_t at = object.items.size();
    while (at > 0 && object.items[at - 1].key >= key) {
        --at;
    }
    if (at < object.items.size() && object.items[at].key == key) {
        throw value_error("config_text", "an unknown key is one that is written anyway", "another",
                          ddpm::detail::quoted(key));
    }
    value.key = key;
    object.items.insert(object.items.begin() + static_cast<std::ptrdiff_t>(at), std::move(value));
}

/// Appends a number in Python's format: the shortest digits that read back the same, with an exponent only if it is
/// below −4 or above 15; −∞ as -Infinity, which is not JSON.
/// @throws value_error if it is +∞ or not a number
inline void append_python_number(std::string& out, double value) {
    if (value == -std::numeric_limits<double>::infinity()) {
        out.append("-Infinity");
        return;
    }
    if (!std::isfinite(value)) {
        throw value_error("append_python_number", "JSON has no such number", "a finite number", value);
    }
    char buffer[64];
    char* const last = buffer + sizeof(buffer);
    const double size = std::abs(value);
    if (size == 0 || (size >= 1e-4 && size < 1e16)) {
        const std::string_view fixed(buffer, std::to_chars(buffer, last, value, std::chars_format::fixed).ptr);
        out.append(fixed).append(fixed.find('.') == fixed.npos ? ".0" : "");
    } else {
        out.append(buffer, std::to_chars(buffer, last, value, std::chars_format::scientific).ptr);
    }
}

/// Appends a tree as Python's json.dumps(indent=2) does.
inline void append_indented(std::string& out, const json& tree, std::size_t depth = 0) {
    if (tree.items.empty()) {
        if (tree.kind == json_kind::number && tree.number.is == ddpm::detail::json_number::form::real) {
            append_python_number(out, tree.number.real);
        } else {
            ddpm::detail::append_json(out, tree);
        }
        return;
    }
    const bool is_object = tree.kind == json_kind::object;
    out.push_back(is_object ? '{' : '[');
    std::string_view separator = "\n";
    for (const json& item : tree.items) {
        out.append(std::exchange(separator, ",\n")).append(2 * (depth + 1), ' ');
        if (is_object) {
            ddpm::detail::append_json_string(out, item.key);
            out.append(": ");
        }
        append_indented(out, item, depth + 1);
    }
    out.append("\n").append(2 * depth, ' ').push_back(is_object ? '}' : ']');
}

/// The text of a config in diffusers' format: indented, with sorted keys and a newline at the end.
/// @throws io_error if a text of `unknown` is not JSON; value_error if its key is among the members, or a number is not
/// finite
[[nodiscard]] inline std::string config_text(json members, const std::map<std::string, std::string>& unknown) {
    for (const auto& [key, text] : unknown) {
        add_member(members, key, ddpm::detail::parse_json(text, key, config_limits::values));
    }
    std::string out;
    append_indented(out, members);
    out.push_back('\n');
    return out;
}

/// Writes a text file, atomically if it exists.
inline void write_text_file(const std::string& path, std::string_view text) {
    io::atomic_file file(path);
    file.write(std::as_bytes(std::span<const char>(text.data(), text.size())));
    file.commit();
}

}  // namespace ddpm::diffusers::detail
