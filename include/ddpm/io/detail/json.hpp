// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/io/detail/json_reader.hpp>
#include <ddpm/io/detail/json_writer.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace ddpm::io::detail {

/// A JSON value as a tree; an object keeps its members in the order of the text.
struct json {
    using array = std::vector<json>;
    using object = std::vector<std::pair<std::string, json>>;

    std::variant<std::nullptr_t, bool, std::uint64_t, std::int64_t, double, std::string, array, object> value = nullptr;

    json() noexcept = default;

    template <class Value>
        requires(!std::same_as<std::remove_cvref_t<Value>, json>)
    json(Value&& of) : value(std::forward<Value>(of)) {}

    /// Not the variant's own copy: where the copy of a string or a list throws, that of libstdc++ 12 destroys what it
    /// has not made.
    json(const json& other) {
        std::visit([this](const auto& of) { value.emplace<std::remove_cvref_t<decltype(of)>>(of); }, other.value);
    }
    json(json&&) noexcept = default;
    json& operator=(const json& other) { return *this = json(other); }
    json& operator=(json&&) noexcept = default;
    ~json() = default;

    /// The value of a member, or nullptr if this is not an object or has no such member.
    [[nodiscard]] const json* find(std::string_view key) const {
        if (const auto* members = std::get_if<object>(&value)) {
            for (const auto& [member, member_value] : *members) {
                if (member == key) {
                    return &member_value;
                }
            }
        }
        return nullptr;
    }

    friend bool operator==(const json& a, const json& b) { return a.value == b.value; }
};

/// Takes the next value of a reader as a tree.
[[nodiscard]] inline json read_json(json_reader& reader) {
    switch (reader.peek()) {
        case json_kind::null:
            reader.null();
            return {};
        case json_kind::boolean:
            return {reader.boolean()};
        case json_kind::number:
            return std::visit([](auto number) { return json{number}; }, reader.number());
        case json_kind::string:
            return {reader.string()};
        case json_kind::array: {
            json::array elements;
            reader.array([&] { elements.push_back(read_json(reader)); });
            return {std::move(elements)};
        }
        case json_kind::object:
            break;
    }
    json::object members;
    reader.object([&](const std::string& key) { members.emplace_back(key, read_json(reader)); });
    return {std::move(members)};
}

/// The tree of one whole JSON text, by the rules of json_reader. A value of it takes about 100 bytes, 200 for a member.
/// @throws io_error with the byte position, if it is not
[[nodiscard]] inline json parse_json(std::string_view text, std::string_view where,
                                     std::size_t most_values = json_reader::any_number) {
    json_reader reader(text, where, json_reader::default_depth, most_values, most_values);
    json value = read_json(reader);
    reader.end();
    return value;
}

/// Appends the compact text of a tree, members in their order.
/// @throws value_error if a string is not UTF-8 or a number not finite
inline void append_json(std::string& out, const json& tree) {
    struct visitor {
        std::string& out;
        void operator()(std::nullptr_t) const { out.append("null"); }
        void operator()(bool truth) const { out.append(truth ? "true" : "false"); }
        void operator()(std::uint64_t number) const { append_json_number(out, number); }
        void operator()(std::int64_t number) const { append_json_number(out, number); }
        void operator()(double number) const { append_json_number(out, number); }
        void operator()(const std::string& text) const { append_json_string(out, text); }
        void operator()(const json::array& elements) const {
            std::string_view separator = "[";
            for (const json& element : elements) {
                out.append(std::exchange(separator, ","));
                append_json(out, element);
            }
            out.append(elements.empty() ? "[]" : "]");
        }
        void operator()(const json::object& members) const {
            std::string_view separator = "{";
            for (const auto& [key, member_value] : members) {
                out.append(std::exchange(separator, ","));
                append_json_string(out, key);
                out.push_back(':');
                append_json(out, member_value);
            }
            out.append(members.empty() ? "{}" : "}");
        }
    };
    std::visit(visitor{out}, tree.value);
}

}  // namespace ddpm::io::detail
