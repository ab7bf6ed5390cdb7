// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/decimal.hpp>
#include <ddpm/core/detail/text_cursor.hpp>
#include <ddpm/core/detail/utf8.hpp>
#include <ddpm/core/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <string_view>

namespace ddpm::detail {

/// A JSON number, exact: an integer literal is `natural`, or `negative` where it has a sign; a literal with fraction or
/// exponent, an integer beyond 64 bits, and -0 are `real`.
struct json_number {
    enum class form { natural, negative, real };

    form is = form::natural;
    union {
        std::uint64_t natural = 0;
        std::int64_t negative;
        double real;
    };

    json_number() noexcept = default;
    json_number(std::uint64_t value) noexcept : natural(value) {}
    json_number(std::int64_t value) noexcept : natural(static_cast<std::uint64_t>(value)) {
        if (value < 0) {
            is = form::negative;
            negative = value;
        }
    }
    json_number(double value) noexcept : is(form::real), real(value) {}

    /// The nearest double.
    [[nodiscard]] double as_double() const noexcept {
        return is == form::real      ? real
               : is == form::natural ? static_cast<double>(natural)
                                     : static_cast<double>(negative);
    }
};

enum class json_kind { null, boolean, number, string, array, object };

/// A strict reader of one JSON text that hands out its values in order and builds no tree, so that hostile text costs
/// no more memory than its keys, up to 80 bytes for each. Stricter than the RFC asks: no key twice in an object,
/// nesting up to `most_depth`, so many members and elements of all objects and arrays together, numbers up to 1000
/// characters and finite, no byte order mark. Both texts must outlive the reader. Every function throws io_error with
/// the byte position; the reader is of no use afterwards.
/// @source RFC 8259
class json_reader {
public:
    static constexpr int default_depth = 64;
    static constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

    /// @throws io_error if the text is not UTF-8
    json_reader(std::string_view text, std::string_view where, int most_depth = default_depth,
                std::size_t most_members = any_number, std::size_t most_elements = any_number)
        : at_(text, where, "JSON"),
          most_depth_(most_depth),
          members_left_(most_members),
          elements_left_(most_elements) {
        if (const std::size_t bad = first_invalid_utf8(text); bad != text.size()) {
            at_.move_to(bad);
            fail("UTF-8");
        }
    }

    /// What the next value is, by its first character.
    [[nodiscard]] json_kind peek() {
        at_.skip_space();
        switch (at_.current()) {
            case '{':
                return json_kind::object;
            case '[':
                return json_kind::array;
            case '"':
                return json_kind::string;
            case 't':
            case 'f':
                return json_kind::boolean;
            case 'n':
                return json_kind::null;
            default:
                break;
        }
        if (at_.current() == '-' || at_.at_digit()) {
            return json_kind::number;
        }
        fail("a value");
    }

    void null() {
        require(json_kind::null, "null");
        literal("null");
    }

    [[nodiscard]] bool boolean() {
        require(json_kind::boolean, "true or false");
        const bool value = at_.current() == 't';
        literal(value ? "true" : "false");
        return value;
    }

    [[nodiscard]] json_number number() {
        require(json_kind::number, "a number");
        const std::size_t start = at_.position();
        const bool negative = at_.accept('-');
        if (!at_.accept('0')) {
            digits();
        }
        bool integer = true;
        if (at_.accept('.')) {
            digits();
            integer = false;
        }
        if (at_.accept('e') || at_.accept('E')) {
            at_.accept('+') || at_.accept('-');
            digits();
            integer = false;
        }
        const std::string_view token = at_.since(start);
        if (token.size() > longest_number) {
            at_.move_to(start);
            fail("a number of at most 1000 characters", token.size());
        }
        if (integer && token != "-0") {
            std::uint64_t natural = 0;
            std::int64_t whole = 0;
            if (!negative && fits(std::from_chars(token.data(), token.data() + token.size(), natural))) {
                return natural;
            }
            if (negative && fits(std::from_chars(token.data(), token.data() + token.size(), whole))) {
                return whole;
            }
        }
        return real(token, start);
    }

    /// An integer literal without a sign.
    [[nodiscard]] std::uint64_t unsigned_integer() {
        at_.skip_space();
        const std::size_t start = at_.position();
        const json_number value = number();
        if (value.is == json_number::form::natural) {
            return value.natural;
        }
        const std::string_view token = at_.since(start);
        at_.move_to(start);
        fail("an unsigned 64-bit integer", token.substr(0, 40));
    }

    [[nodiscard]] std::string string() {
        require(json_kind::string, "a string");
        const std::size_t start = at_.position();
        std::size_t length = 0;
        scan_string([&](std::string_view part) { length += part.size(); });
        std::string value;
        value.reserve(length);
        at_.move_to(start);
        scan_string([&](std::string_view part) { value.append(part); });
        return value;
    }

    /// Calls member(key) for each member; it must take exactly one value from this reader. A key that comes twice is
    /// found after the last member.
    template <class Member>
    void object(Member&& member) {
        open(json_kind::object, "an object");
        hashed_keys keys;
        if (!at_.accept_token('}')) {
            do {
                at_.skip_space();
                const std::size_t start = at_.position();
                const std::string key = string();
                keys.push_back({std::hash<std::string>()(key), start});
                at_.expect_token(':');
                count(members_left_, "no more members of objects");
                member(key);
            } while (at_.accept_token(','));
            at_.expect_token('}');
            require_new_keys(keys);
        }
        --depth_;
    }

    /// Calls element() for each element; it must take exactly one value from this reader.
    template <class Element>
    void array(Element&& element) {
        open(json_kind::array, "an array");
        if (!at_.accept_token(']')) {
            do {
                count(elements_left_, "no more elements of arrays");
                element();
            } while (at_.accept_token(','));
            at_.expect_token(']');
        }
        --depth_;
    }

    /// Takes one value of any kind, checks it and drops it.
    void skip() {
        switch (peek()) {
            case json_kind::null:
                null();
                break;
            case json_kind::boolean:
                static_cast<void>(boolean());
                break;
            case json_kind::number:
                static_cast<void>(number());
                break;
            case json_kind::string:
                scan_string([](std::string_view) {});
                break;
            case json_kind::array:
                array([&] { skip(); });
                break;
            case json_kind::object:
                object([&](const std::string&) { skip(); });
                break;
        }
    }

    /// Requires that nothing but white space is left.
    void end() {
        at_.skip_space();
        if (!at_.at_end()) {
            fail("the end of the text");
        }
    }

    /// Reports a value that is well-formed but not the right one.
    template <class Expected, class Got>
    [[noreturn]] void fail(const Expected& expected, const Got& got) const {
        at_.fail(expected, got);
    }

private:
    struct hashed_key {
        std::size_t hash, position;
    };
    using hashed_keys = std::deque<hashed_key>;  // a vector would hold its elements twice while it grows

    // Fails at the first key that the object has before it already. Keys of one hash are read again, so that many keys
    // cost neither a search nor an allocation for each.
    void require_new_keys(hashed_keys& keys) {
        std::sort(keys.begin(), keys.end(), [](const hashed_key& a, const hashed_key& b) {
            return a.hash != b.hash ? a.hash < b.hash : a.position < b.position;
        });
        const std::size_t end = at_.position();
        std::size_t repeated = end;
        for (auto first = keys.begin(); first != keys.end();) {
            const auto last =
                std::find_if(first, keys.end(), [&](const hashed_key& key) { return key.hash != first->hash; });
            std::set<std::string> seen;
            for (auto key = first; last - first > 1 && key != last && key->position < repeated; ++key) {
                at_.move_to(key->position);
                if (!seen.insert(string()).second) {
                    repeated = key->position;
                }
            }
            first = last;
        }
        at_.move_to(repeated);
        if (repeated != end) {
            fail("a new key", "a key that the object has already");
        }
    }

    static bool fits(const std::from_chars_result& result) noexcept { return result.ec == std::errc{}; }

    [[noreturn]] void fail(std::string_view expected) const { at_.fail(expected, at_.found()); }

    void require(json_kind kind, std::string_view name) {
        if (peek() != kind) {
            fail(name);
        }
    }

    void open(json_kind kind, std::string_view name) {
        require(kind, name);
        if (++depth_ > most_depth_) {
            fail(text("at most ", most_depth_, " levels of nesting"), "one more");
        }
        at_.advance();
    }

    void count(std::size_t& left, std::string_view expected) {
        if (left == 0) {
            fail(expected, "one beyond the limit");
        }
        --left;
    }

    void literal(std::string_view word) {
        if (!at_.accept_word(word)) {
            fail(word);
        }
    }

    void digits() {
        if (!at_.at_digit()) {
            fail("a digit");
        }
        while (at_.at_digit()) {
            at_.advance();
        }
    }

    double real(std::string_view token, std::size_t start) {
        const double value = real_of_decimal(token);
        if (!std::isfinite(value)) {
            at_.move_to(start);
            fail("a number within double's range", token.substr(0, 40));
        }
        return value;
    }

    char32_t hex4() {
        char32_t value = 0;
        for (int i = 0; i < 4; ++i) {
            const char c = at_.current();
            const int digit = at_.at_digit()         ? c - '0'
                              : c >= 'a' && c <= 'f' ? c - 'a' + 10
                              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
            if (digit < 0) {
                fail("four hexadecimal digits");
            }
            value = value << 4 | static_cast<char32_t>(digit);
            at_.advance();
        }
        return value;
    }

    [[nodiscard]] char32_t unicode_escape() {
        const char32_t first = hex4();
        if (first < 0xd800 || first > 0xdfff) {
            return first;
        }
        if (first < 0xdc00 && at_.accept('\\') && at_.accept('u')) {
            const char32_t second = hex4();
            if (second >= 0xdc00 && second <= 0xdfff) {
                return 0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff));
            }
        }
        fail("a pair of surrogates", "half of one");
    }

    /// Calls part(text) for the decoded pieces of the string that starts here.
    template <class Part>
    void scan_string(Part&& part) {
        at_.advance();
        while (true) {
            const std::size_t start = at_.position();
            while (static_cast<unsigned char>(at_.current()) >= 0x20 && at_.current() != '"' && at_.current() != '\\') {
                at_.advance();
            }
            part(at_.since(start));
            if (at_.accept('"')) {
                return;
            }
            if (!at_.accept('\\')) {
                fail("a character of a string");
            }
            constexpr std::string_view letters = "\"\\/bfnrt";
            constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
            if (const std::size_t which = letters.find(at_.current()); which != letters.npos) {
                at_.advance();
                part(meanings.substr(which, 1));
            } else if (at_.accept('u')) {
                std::string point;
                ddpm::detail::append_utf8(point, unicode_escape());
                part(point);
            } else {
                fail("an escape");
            }
        }
    }

    text_cursor at_;
    int most_depth_;
    int depth_ = 0;
    std::size_t members_left_, elements_left_;
};

}  // namespace ddpm::detail
