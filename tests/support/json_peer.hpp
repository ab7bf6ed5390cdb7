// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/json.hpp>
#include <ddpm/core/error.hpp>

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace ddpm::test {

/// The same tree in the other library's type.
[[nodiscard]] inline nlohmann::json peer_of(const ddpm::detail::json& tree) {
    using ddpm::detail::json_kind, ddpm::detail::json_number;
    nlohmann::json out;
    switch (tree.kind) {
        case json_kind::null:
            break;
        case json_kind::boolean:
            return tree.truth;
        case json_kind::number:
            return tree.number.is == json_number::form::natural    ? nlohmann::json(tree.number.natural)
                   : tree.number.is == json_number::form::negative ? nlohmann::json(tree.number.negative)
                                                                   : nlohmann::json(tree.number.real);
        case json_kind::string:
            return tree.text;
        case json_kind::array:
            out = nlohmann::json::array();
            for (const ddpm::detail::json& element : tree.items) {
                out.push_back(peer_of(element));
            }
            break;
        case json_kind::object:
            out = nlohmann::json::object();
            for (const ddpm::detail::json& member : tree.items) {
                out[member.key] = peer_of(member);
            }
            break;
    }
    return out;
}

/// Whether a text that the other library accepts breaks one of json_reader's own stricter rules.
[[nodiscard]] inline bool breaks_stricter_rule(const std::string& text) {
    bool breaks = text.find('\0') != text.npos || text.starts_with("\xef\xbb\xbf");
    std::vector<std::set<std::string>> keys;
    using parse_event = nlohmann::json::parse_event_t;
    const auto watch = [&](int, parse_event event, nlohmann::json& token) {
        if (event == parse_event::object_start || event == parse_event::array_start) {
            keys.emplace_back();
            breaks = breaks || keys.size() > 64;
        } else if (event == parse_event::object_end || event == parse_event::array_end) {
            keys.pop_back();
        } else if (event == parse_event::key) {
            breaks = breaks || !keys.back().insert(token.get<std::string>()).second;
        }
        return true;
    };
    [[maybe_unused]] const nlohmann::json parsed = nlohmann::json::parse(text, watch);
    std::size_t run = 0;
    for (const char c : text) {
        run = (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E' ? run + 1 : 0;
        breaks = breaks || run > 1000;
    }
    return breaks;
}

/// How the library and nlohmann/json read a text.
struct json_comparison {
    bool accepted = false;     ///< by the library
    std::string difference{};  ///< empty if both agree, but for the library's stricter rules
};

[[nodiscard]] inline json_comparison compare_with_peer(const std::string& text) {
    ddpm::detail::json tree;
    try {
        tree = ddpm::detail::parse_json(text, "t");
    } catch (const io_error&) {
        if (nlohmann::json::accept(text) && !breaks_stricter_rule(text)) {
            return {false, "only nlohmann/json accepts it"};
        }
        return {};
    }
    if (!nlohmann::json::accept(text)) {
        return {true, "only the library accepts it"};
    }
    std::string again;
    ddpm::detail::append_json(again, tree);
    const nlohmann::json peer = nlohmann::json::parse(text);
    if (peer_of(tree) != peer || nlohmann::json::parse(again) != peer) {
        return {true, "the values differ"};
    }
    return {true, {}};
}

}  // namespace ddpm::test
