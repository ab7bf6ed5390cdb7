// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/detail/json.hpp>
#include <ddpm/core/detail/utf8.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/config_limits.hpp>
// IWYU pragma: end_exports
#include <ddpm/core/detail/input_file.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::diffusers::detail {

using ddpm::detail::json;
using ddpm::detail::json_kind;

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
    const ddpm::detail::input_file file(path);
    require_length(path, file.size());
    return ddpm::detail::read_text(file, 0, file.size());
}

/// The text with Python's -Infinity, which is not JSON, replaced by a JSON string.
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

/// The name of an enumeration's value in files.
struct named_value {
    std::string_view name;
    int value;

    template <class E>
    constexpr named_value(std::string_view of, E named) : name(of), value(static_cast<int>(named)) {}
};

/// The names of an enumeration's values. If a value has several names, the first one is written.
using value_names = std::span<const named_value>;

/// The name of a value, or an empty text.
[[nodiscard]] constexpr std::string_view name_of(value_names names, int value) {
    for (const named_value& known : names) {
        if (known.value == value) {
            return known.name;
        }
    }
    return {};
}

/// Reads the members of a file's JSON object. Each read removes its member; rest() returns the others. All functions
/// throw io_error that names the key if the value has another type or is outside its domain.
class config_reader {
public:
    /// @throws io_error unless the text is one JSON object within config_limits
    config_reader(std::string_view text, std::string_view where) : where_(where) {
        require_length(where, text.size());
        tree_ = ddpm::detail::parse_json(text, where, config_limits::values);
        if (tree_.kind != json_kind::object) {
            throw io_error(where_, "not a config", "a JSON object", shown(tree_));
        }
    }

    [[nodiscard]] bool has(std::string_view key) const { return tree_.find(key) != nullptr; }

    /// Removes a member if it exists and is null.
    [[nodiscard]] bool take_null(std::string_view key) {
        const json* const found = tree_.find(key);
        return found != nullptr && found->kind == json_kind::null && take(key);
    }

    /// Removes and returns a member.
    [[nodiscard]] std::optional<json> take(std::string_view key) {
        for (json& member : tree_.items) {
            if (member.key == key) {
                const bool is_last = &member == &tree_.items.back();
                std::optional<json> value(std::move(member));
                if (!is_last) {
                    member = std::move(tree_.items.back());
                }
                tree_.items.pop_back();
                return value;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] bool boolean(std::string_view key, bool absent) {
        const std::optional<json> value = take(key);
        return value ? boolean_of(key, *value) : absent;
    }

    [[nodiscard]] isize integer(std::string_view key, isize absent, isize least, isize most = config_limits::integer) {
        const std::optional<json> value = take(key);
        return value ? integer_of(key, *value, least, most) : absent;
    }

    [[nodiscard]] double real(std::string_view key, double absent) {
        const std::optional<json> value = take(key);
        return value ? real_of(key, *value) : absent;
    }

    [[nodiscard]] std::string text(std::string_view key) {
        const std::optional<json> value = take(key);
        return value ? text_of(key, *value) : std::string();
    }

    /// The enumeration's value with the member's name.
    template <class E>
    [[nodiscard]] E choice(std::string_view key, E absent, value_names names) {
        const std::optional<json> value = take(key);
        return value ? static_cast<E>(named_by(key, *value, names)) : absent;
    }

    /// The elements of an array.
    [[nodiscard]] const std::vector<json>& elements(std::string_view key, const json& value) const {
        if (value.kind != json_kind::array) {
            fail(key, "an array", value);
        }
        return value.items;
    }

    [[nodiscard]] bool boolean_of(std::string_view key, const json& value) const {
        if (value.kind != json_kind::boolean) {
            fail(key, "true or false", value);
        }
        return value.truth;
    }

    [[nodiscard]] isize integer_of(std::string_view key, const json& value, isize least,
                                   isize most = config_limits::integer) const {
        if (!is_natural(value) || value.number.natural > static_cast<std::uint64_t>(most) ||
            static_cast<isize>(value.number.natural) < least) {
            fail(key, ddpm::detail::text("a whole number of ", least, " ... ", most), value);
        }
        return static_cast<isize>(value.number.natural);
    }

    [[nodiscard]] std::uint64_t seed_of(std::string_view key, const json& value) const {
        if (!is_natural(value)) {
            fail(key, "null or a whole number of 0 ... 2^64 - 1", value);
        }
        return value.number.natural;
    }

    [[nodiscard]] double real_of(std::string_view key, const json& value) const {
        if (value.kind != json_kind::number) {
            fail(key, "a number", value);
        }
        return value.number.as_double();
    }

    [[nodiscard]] const std::string& text_of(std::string_view key, const json& value) const {
        if (value.kind != json_kind::string) {
            fail(key, "a string", value);
        }
        return value.text;
    }

    [[nodiscard]] int named_by(std::string_view key, const json& value, value_names names) const {
        std::string expected;
        for (const named_value& known : names) {
            if (value.kind == json_kind::string && value.text == known.name) {
                return known.value;
            }
            expected.append(expected.empty() ? "" : " or ").append(known.name);
        }
        fail(key, expected, value);
    }

    /// The remaining members as JSON texts; adds a note on each.
    [[nodiscard]] std::map<std::string, std::string> rest(std::vector<std::string>& notes) const {
        std::map<std::string, std::string> texts;
        for (const json& member : tree_.items) {
            ddpm::detail::append_json(texts[member.key], member);
        }
        for (const auto& [key, text] : texts) {
            notes.push_back(ddpm::detail::text("unknown key ", ddpm::detail::quoted(key), " is kept"));
        }
        return texts;
    }

    [[noreturn]] void fail(std::string_view key, std::string_view expected, const std::same_as<json> auto& got) const {
        fail(key, expected, ddpm::detail::text_part(shown(got)));
    }
    [[noreturn]] void fail(std::string_view key, std::string_view expected, ddpm::detail::text_part got) const {
        throw io_error(where_, ddpm::detail::text("key ", ddpm::detail::quoted(key)), expected, got);
    }

private:
    [[nodiscard]] static bool is_natural(const json& value) noexcept {
        return value.kind == json_kind::number && value.number.is == ddpm::detail::json_number::form::natural;
    }

    /// A value as JSON text for a message, shortened if needed.
    [[nodiscard]] static std::string shown(const json& value) {
        constexpr std::size_t longest = 80;
        std::string text;
        ddpm::detail::append_json(text, value);
        if (text.size() > longest) {
            text.resize(longest);
            text.resize(ddpm::detail::first_invalid_utf8(text));
            text += "...";
        }
        return text;
    }

    std::string where_;
    json tree_;
};

}  // namespace ddpm::diffusers::detail
