// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/config_limits.hpp>
#include <ddpm/io/detail/input_file.hpp>
#include <ddpm/io/detail/json.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ddpm::diffusers::detail {

using io::detail::json;

/// @throws io_error if a text is longer than any config
inline void require_length(std::string_view where, std::uint64_t bytes) {
    if (bytes > config_limits::text_bytes) {
        throw io_error(where, "too long for a JSON file of a model",
                       ddpm::detail::text("at most ", config_limits::text_bytes, " bytes"), bytes);
    }
}

/// A whole JSON file.
/// @throws io_error if it cannot be read, or is longer than any config
[[nodiscard]] inline std::string read_json_file(const std::string& path) {
    const io::detail::input_file file(path);
    require_length(path, file.size());
    const std::size_t length = file.size();
    std::string text(length, '\0');
    file.read(0, std::as_writable_bytes(std::span(text)));
    return text;
}

/// The text with Python's bare -Infinity, which JSON does not have, as a string.
[[nodiscard]] inline std::string strict_json_text(std::string_view text) {
    constexpr std::string_view infinity = "-Infinity";
    if (text.find(infinity) == text.npos) {
        return std::string(text);
    }
    std::string strict;
    strict.reserve(text.size());
    bool in_string = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (!in_string && text.substr(at, infinity.size()) == infinity) {
            strict.append("\"").append(infinity).append("\"");
            at += infinity.size() - 1;
            continue;
        }
        if (in_string && text[at] == '\\' && at + 1 < text.size()) {
            strict.push_back(text[at++]);
        } else if (text[at] == '"') {
            in_string = !in_string;
        }
        strict.push_back(text[at]);
    }
    return strict;
}

/// The names that a file has for the values of an enumeration, in a fixed order. The first name of a value is the one
/// that is written.
template <class E>
using names_of = std::vector<std::pair<std::string_view, E>>;

template <class E>
[[nodiscard]] std::string_view name_in(const names_of<E>& names, E value) {
    for (const auto& [name, named] : names) {
        if (named == value) {
            return name;
        }
    }
    return {};
}

/// The members of the one JSON object of a file, taken by key; what was not asked for is left over. Every function
/// throws io_error that names the key where the value is not of the kind that it gives.
class config_reader {
public:
    /// @throws io_error unless the text is one JSON object within config_limits
    config_reader(std::string_view text, std::string_view where) : where_(where) {
        require_length(where, text.size());
        json tree = io::detail::parse_json(text, where, config_limits::values);
        auto* const members = std::get_if<json::object>(&tree.value);
        if (members == nullptr) {
            throw io_error(where_, "not a config", "a JSON object", shown(tree));
        }
        for (auto& [key, value] : *members) {
            members_.emplace(std::move(key), std::move(value));
        }
    }

    [[nodiscard]] const std::string& where() const noexcept { return where_; }
    [[nodiscard]] bool has(std::string_view key) const { return members_.find(key) != members_.end(); }

    /// Takes a member if it is there and null.
    [[nodiscard]] bool take_null(std::string_view key) {
        const auto found = members_.find(key);
        if (found == members_.end() || !std::holds_alternative<std::nullptr_t>(found->second.value)) {
            return false;
        }
        members_.erase(found);
        return true;
    }

    [[nodiscard]] std::optional<json> take(std::string_view key) {
        const auto found = members_.find(key);
        if (found == members_.end()) {
            return std::nullopt;
        }
        std::optional<json> value(std::move(found->second));
        members_.erase(found);
        return value;
    }

    [[nodiscard]] bool boolean(std::string_view key, bool absent) {
        const std::optional<json> value = take(key);
        if (!value) {
            return absent;
        }
        if (const bool* const truth = std::get_if<bool>(&value->value)) {
            return *truth;
        }
        fail(key, "true or false", *value);
    }

    [[nodiscard]] isize integer(std::string_view key, isize absent, isize least, isize most = config_limits::integer) {
        const std::optional<json> value = take(key);
        return value ? integer_of(key, *value, least, most) : absent;
    }

    [[nodiscard]] double real(std::string_view key, double absent) {
        const std::optional<json> value = take(key);
        return value ? real_of(key, *value) : absent;
    }

    [[nodiscard]] std::string text(std::string_view key, std::string_view absent) {
        const std::optional<json> value = take(key);
        return value ? text_of(key, *value) : std::string(absent);
    }

    /// The value that has the member's name.
    template <class E>
    [[nodiscard]] E choice(std::string_view key, E absent, const names_of<E>& names) {
        const std::optional<json> value = take(key);
        return value ? named_by(key, *value, names) : absent;
    }

    /// f(element) of each element of an array.
    template <class F>
    void each(std::string_view key, const json& value, const F& f) const {
        const auto* const elements = std::get_if<json::array>(&value.value);
        if (elements == nullptr) {
            fail(key, "an array", value);
        }
        for (const json& element : *elements) {
            f(element);
        }
    }

    [[nodiscard]] isize integer_of(std::string_view key, const json& value, isize least,
                                   isize most = config_limits::integer) const {
        const auto* const number = std::get_if<std::uint64_t>(&value.value);
        if (number == nullptr || *number > static_cast<std::uint64_t>(most) || static_cast<isize>(*number) < least) {
            fail(key, ddpm::detail::text("a whole number of ", least, " ... ", most), value);
        }
        return static_cast<isize>(*number);
    }

    [[nodiscard]] double real_of(std::string_view key, const json& value) const {
        if (const auto* const real = std::get_if<double>(&value.value)) {
            return *real;
        }
        if (const auto* const natural = std::get_if<std::uint64_t>(&value.value)) {
            return static_cast<double>(*natural);
        }
        if (const auto* const whole = std::get_if<std::int64_t>(&value.value)) {
            return static_cast<double>(*whole);
        }
        fail(key, "a number", value);
    }

    [[nodiscard]] std::string text_of(std::string_view key, const json& value) const {
        if (const auto* const text = std::get_if<std::string>(&value.value)) {
            return *text;
        }
        fail(key, "a string", value);
    }

    template <class E>
    [[nodiscard]] E named_by(std::string_view key, const json& value, const names_of<E>& names) const {
        const auto* const text = std::get_if<std::string>(&value.value);
        std::string expected;
        for (const auto& [name, named] : names) {
            if (text != nullptr && *text == name) {
                return named;
            }
            expected.append(expected.empty() ? "" : " or ").append(name);
        }
        fail(key, expected, value);
    }

    /// The members that were not taken, as JSON texts; a note on each.
    [[nodiscard]] std::map<std::string, std::string> rest(std::vector<std::string>& notes) const {
        std::map<std::string, std::string> texts;
        for (const auto& [key, value] : members_) {
            io::detail::append_json(texts[key], value);
            notes.push_back(ddpm::detail::text("unknown key ", io::detail::quoted(key), " is kept"));
        }
        return texts;
    }

    template <class Got>
    [[noreturn]] void fail(std::string_view key, std::string_view expected, const Got& got) const {
        if constexpr (std::is_same_v<Got, json>) {
            throw io_error(where_, ddpm::detail::text("key ", io::detail::quoted(key)), expected, shown(got));
        } else {
            throw io_error(where_, ddpm::detail::text("key ", io::detail::quoted(key)), expected, got);
        }
    }

private:
    /// A value as its JSON text, cut for a message.
    [[nodiscard]] static std::string shown(const json& value) {
        constexpr std::size_t longest = 80;
        std::string text;
        io::detail::append_json(text, value);
        if (text.size() > longest) {
            text.resize(longest);
            text.resize(io::detail::first_invalid_utf8(text));
            text += "...";
        }
        return text;
    }

    std::string where_;
    std::map<std::string, json, std::less<>> members_;
};

}  // namespace ddpm::diffusers::detail
