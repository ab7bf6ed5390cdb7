// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/config_limits.hpp>
#include <ddpm/io/atomic_file.hpp>
#include <ddpm/io/detail/json.hpp>

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
#include <variant>
#include <vector>

namespace ddpm::diffusers::detail {

using io::detail::json;

/// The version of diffusers whose keys are written.
inline constexpr std::string_view written_version = "0.42.1";

[[nodiscard]] inline json json_of(isize value) {
    const std::int64_t wide = value;
    return wide < 0 ? json{wide} : json{static_cast<std::uint64_t>(wide)};
}
[[nodiscard]] inline json json_of(double value) { return {value}; }
[[nodiscard]] inline json json_of(bool value) { return {value}; }
[[nodiscard]] inline json json_of(std::string_view value) { return {std::string(value)}; }
[[nodiscard]] inline json json_of(const char* value) { return {std::string(value)}; }

/// A number that Python writes without a fraction where it has none.
[[nodiscard]] inline json json_of_number(double value) {
    constexpr double exact = 9007199254740992.0;
    return std::trunc(value) == value && std::abs(value) < exact ? json_of(static_cast<isize>(value)) : json_of(value);
}

template <class Values, class F>
[[nodiscard]] json json_list(const Values& values, const F& element) {
    json::array list;
    for (const auto& value : values) {
        list.push_back(json_of(element(value)));
    }
    return {std::move(list)};
}

/// Appends a number as Python writes it: the shortest digits that read back the same, with an exponent only if it is
/// below −4 or above 15; −∞ as the bare word -Infinity, which is not JSON.
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
    const auto write = [&](std::chars_format format) {
        return std::string(buffer, std::to_chars(buffer, buffer + sizeof(buffer), value, format).ptr);
    };
    const std::string scientific = write(std::chars_format::scientific);
    const int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
    if (exponent < -4 || exponent > 15) {
        out.append(scientific);
        return;
    }
    const std::string fixed = write(std::chars_format::fixed);
    out.append(fixed).append(fixed.find('.') == fixed.npos ? ".0" : "");
}

/// Appends a tree as Python's json.dumps(indent=2) does.
inline void append_indented(std::string& out, const json& tree, std::size_t depth = 0) {
    const auto line = [&](std::size_t at) { out.append("\n").append(2 * at, ' '); };
    if (const auto* const elements = std::get_if<json::array>(&tree.value); elements != nullptr && !elements->empty()) {
        std::string_view separator = "[";
        for (const json& element : *elements) {
            out.append(std::exchange(separator, ","));
            line(depth + 1);
            append_indented(out, element, depth + 1);
        }
        line(depth);
        out.push_back(']');
    } else if (const auto* const members = std::get_if<json::object>(&tree.value);
               members != nullptr && !members->empty()) {
        std::string_view separator = "{";
        for (const auto& [key, value] : *members) {
            out.append(std::exchange(separator, ","));
            line(depth + 1);
            io::detail::append_json_string(out, key);
            out.append(": ");
            append_indented(out, value, depth + 1);
        }
        line(depth);
        out.push_back('}');
    } else if (const double* const number = std::get_if<double>(&tree.value)) {
        append_python_number(out, *number);
    } else {
        io::detail::append_json(out, tree);
    }
}

/// The text of a config as diffusers writes it: indented, the keys sorted, a new line at the end.
/// @throws io_error if a text of `unknown` is not JSON; value_error if its key is among the members, or a number is not
/// finite
[[nodiscard]] inline std::string config_text(std::map<std::string, json> members,
                                             const std::map<std::string, std::string>& unknown) {
    for (const auto& [key, text] : unknown) {
        if (!members.emplace(key, io::detail::parse_json(text, key, config_limits::values)).second) {
            throw value_error("config_text", "an unknown key is one that is written anyway", "another",
                              io::detail::quoted(key));
        }
    }
    json::object sorted;
    for (auto& [key, value] : members) {
        sorted.emplace_back(key, std::move(value));
    }
    std::string out;
    append_indented(out, {std::move(sorted)});
    out.push_back('\n');
    return out;
}

/// Replaces a text file as a whole.
inline void write_text_file(const std::string& path, std::string_view text) {
    io::atomic_file file(path);
    file.write(std::as_bytes(std::span<const char>(text.data(), text.size())));
    file.commit();
}

}  // namespace ddpm::diffusers::detail
