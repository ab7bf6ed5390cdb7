// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/json_reader.hpp>
#include <ddpm/core/detail/json_writer.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// A JSON value as a tree; an object keeps its members in the order of the text. Of its parts only that which belongs
/// to its kind is used.
struct json {
    json_kind kind = json_kind::null;
    bool truth = false;  ///< of a boolean
    json_number number{};
    std::string text{};         ///< of a string
    std::vector<json> items{};  ///< the elements of an array, the members of an object
    std::string key{};          ///< of a member of an object

    json() noexcept = default;
    json(std::same_as<bool> auto value) noexcept : kind(json_kind::boolean), truth(value) {}
    json(json_number value) noexcept : kind(json_kind::number), number(value) {}
    json(std::uint64_t value) noexcept : json(json_number(value)) {}
    json(double value) noexcept : json(json_number(value)) {}
    json(std::string value) noexcept : kind(json_kind::string), text(std::move(value)) {}

    [[nodiscard]] static json array(std::vector<json> elements = {}) {
        json list;
        list.kind = json_kind::array;
        list.items = std::move(elements);
        return list;
    }

    /// The value of a member, or nullptr if this is not an object or has no such member.
    [[nodiscard]] const json* find(std::string_view member) const {
        if (kind == json_kind::object) {
            for (const json& item : items) {
                if (item.key == member) {
                    return &item;
                }
            }
        }
        return nullptr;
    }
};

/// Takes the next value of a reader as a tree.
[[nodiscard]] inline json read_json(json_reader& reader) {
    json value;
    value.kind = reader.peek();
    switch (value.kind) {
        case json_kind::null:
            reader.null();
            break;
        case json_kind::boolean:
            value.truth = reader.boolean();
            break;
        case json_kind::number:
            value.number = reader.number();
            break;
        case json_kind::string:
            value.text = reader.string();
            break;
        case json_kind::array:
            reader.array([&] { value.items.push_back(read_json(reader)); });
            break;
        case json_kind::object:
            reader.object([&](const std::string& key) {
                value.items.push_back(read_json(reader));
                value.items.back().key = key;
            });
            break;
    }
    return value;
}

/// The tree of one whole JSON text, by the rules of json_reader. A value of it takes about 120 bytes.
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
    switch (tree.kind) {
        case json_kind::null:
            out.append("null");
            return;
        case json_kind::boolean:
            out.append(tree.truth ? "true" : "false");
            return;
        case json_kind::number:
            append_json_number(out, tree.number);
            return;
        case json_kind::string:
            append_json_string(out, tree.text);
            return;
        case json_kind::array:
        case json_kind::object:
            break;
    }
    const bool is_object = tree.kind == json_kind::object;
    out.push_back(is_object ? '{' : '[');
    std::string_view separator;
    for (const json& item : tree.items) {
        out.append(std::exchange(separator, ","));
        if (is_object) {
            append_json_string(out, item.key);
            out.push_back(':');
        }
        append_json(out, item);
    }
    out.push_back(is_object ? '}' : ']');
}

}  // namespace ddpm::detail
