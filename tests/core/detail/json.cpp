// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/json.hpp>

#include <ddpm/core/detail/utf8.hpp>

#include "support/catch.hpp"
#include "support/json_peer.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using ddpm::detail::append_json;
using ddpm::detail::json;
using ddpm::detail::json_kind;
using ddpm::detail::json_number;
using ddpm::detail::parse_json;

std::string written(const json& tree) {
    std::string text;
    append_json(text, tree);
    return text;
}

TEST_CASE("a JSON tree keeps order and exact numbers", "[core]") {
    const json tree = parse_json(R"({"z":[1,-2,0.5,"s"],"a":{"n":null,"t":true}})", "t");
    const json* elements = tree.find("z");
    REQUIRE(elements != nullptr);
    REQUIRE(elements->kind == json_kind::array);
    REQUIRE(elements->items.size() == 4);
    CHECK(elements->items[0].number.is == json_number::form::natural);
    CHECK(elements->items[0].number.natural == 1);
    CHECK(elements->items[1].number.is == json_number::form::negative);
    CHECK(elements->items[1].number.negative == -2);
    CHECK(elements->items[2].number.is == json_number::form::real);
    CHECK(elements->items[2].number.real == 0.5);
    CHECK(elements->items[3].kind == json_kind::string);
    CHECK(elements->items[3].text == "s");
    REQUIRE(tree.find("a") != nullptr);
    CHECK(tree.find("a")->find("t")->kind == json_kind::boolean);
    CHECK(tree.find("a")->find("t")->truth);
    CHECK(tree.find("b") == nullptr);
    CHECK(elements->find("z") == nullptr);
    CHECK(written(tree) == R"({"z":[1,-2,0.5,"s"],"a":{"n":null,"t":true}})");
    CHECK(written(parse_json(" [ ] ", "t")) == "[]");
    CHECK(written(parse_json("{ }", "t")) == "{}");
    CHECK_THROWS_AS(parse_json("[1] 2", "t"), io_error);
}

TEST_CASE("JSON strings are written with exact escapes", "[core]") {
    CHECK(written({std::string("\"\\/\b\f\n\r\t\x1f\x7f\xc3\xa9")}) ==
          "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u001f\x7f\xc3\xa9\"");
    CHECK(written({std::string(1, '\0')}) == R"("\u0000")");
    std::string out;
    CHECK_THROWS_AS(ddpm::detail::append_json_string(out, "\xff"), value_error);
    for (char32_t point = 0; point < 0x110000; point += point < 0x3000 ? 1 : 97) {
        if (point < 0xd800 || point > 0xdfff) {
            std::string text;
            detail::append_utf8(text, point);
            REQUIRE(parse_json(written({text}), "t").text == text);
        }
    }
}

TEST_CASE("JSON doubles are written so that they read back the same", "[core]") {
    std::mt19937_64 random(3);
    for (int i = 0; i < 20'000; ++i) {
        const double value = std::bit_cast<double>(std::uint64_t{random()});
        if (std::isfinite(value)) {
            const json_number number = parse_json(written({value}), "t").number;
            REQUIRE(number.is == json_number::form::real);
            REQUIRE(std::bit_cast<std::uint64_t>(number.real) == std::bit_cast<std::uint64_t>(value));
        }
    }
    CHECK(written({1.0}) == "1.0");
    CHECK(written({-0.0}) == "-0.0");
    CHECK(written({0.1}) == "0.1");
    CHECK(written({std::numeric_limits<std::uint64_t>::max()}) == "18446744073709551615");
    CHECK(written({json_number(std::numeric_limits<std::int64_t>::min())}) == "-9223372036854775808");
    CHECK_THROWS_AS(written({std::numeric_limits<double>::quiet_NaN()}), value_error);
    CHECK_THROWS_AS(written({std::numeric_limits<double>::infinity()}), value_error);
}

TEST_CASE("texts in error messages are quoted and cut", "[core]") {
    CHECK(ddpm::detail::quoted("a\x1b[") == "\"a\\u001b[\"");
    CHECK(ddpm::detail::quoted(std::string(79, 'x') + "\xc3\xa9") == "\"" + std::string(79, 'x') + "\"...");
}

/// Random JSON texts, some of them broken.
class text_maker {
public:
    explicit text_maker(std::uint64_t seed) : random_(seed) {}

    std::string make() {
        std::string text;
        value(text, 0);
        for (std::size_t i = below(4); i > 0; --i) {
            mutate(text);
        }
        return text;
    }

private:
    std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

    template <std::size_t N>
    std::string_view one_of(const std::string_view (&choices)[N]) {
        return choices[below(N)];
    }

    void space(std::string& out) {
        if (below(6) == 0) {
            out += one_of({" ", "\n", "\t", "\r\n"});
        }
    }

    void string(std::string& out) {
        out += '"';
        for (std::size_t i = below(5); i > 0; --i) {
            out += one_of({"a", "b", "\\n", "\\\"", "\\u00e9", "\\ud83d\\ude00", "\xc3\xa9", "\xe2\x82\xac",
                           "\xf0\x9f\x98\x80", "\\\\", "\\/", "key", "\x7f"});
        }
        out += '"';
    }

    void number(std::string& out) {
        out += one_of({"", "", "-"});
        out += one_of({"0", "1", "42", "9007199254740993", "18446744073709551615", "18446744073709551616",
                       "9223372036854775808", "9223372036854775809"});
        out += one_of({"", "", "", ".0", ".5", ".12345678901234567890"});
        out += one_of({"", "", "", "e1", "E-3", "e+10", "e308", "e309", "e-400"});
    }

    void value(std::string& out, int depth) {
        space(out);
        switch (below(depth > 5 ? 4 : 6)) {
            case 0:
                out += one_of({"null", "true", "false"});
                break;
            case 1:
            case 2:
                number(out);
                break;
            case 3:
                string(out);
                break;
            case 4: {
                out += '[';
                for (std::size_t i = below(4); i > 0; --i) {
                    value(out, depth + 1);
                    out += i > 1 ? "," : "";
                }
                out += ']';
                break;
            }
            default: {
                out += '{';
                for (std::size_t i = below(4); i > 0; --i) {
                    space(out);
                    string(out);
                    space(out);
                    out += ':';
                    value(out, depth + 1);
                    out += i > 1 ? "," : "";
                }
                out += '}';
            }
        }
        space(out);
    }

    void mutate(std::string& text) {
        const std::size_t at = below(text.size() + 1);
        const std::size_t length = std::min(below(5), text.size() - at);
        switch (below(7)) {
            case 0:
                text.erase(at, length);
                break;
            case 1:
                text.insert(at, text.substr(below(text.size() + 1), below(8)));
                break;
            case 2:
                text.insert(at, 1, static_cast<char>(below(256)));
                break;
            case 3:
                if (at < text.size()) {
                    text[at] = static_cast<char>(text[at] ^ 1 << below(8));
                }
                break;
            case 4:
                text.insert(at, one_of({"[",
                                        "]",
                                        "{",
                                        "}",
                                        ",",
                                        ":",
                                        "\"",
                                        "\\",
                                        "0",
                                        "-",
                                        ".",
                                        "e",
                                        "\\u",
                                        "\\ud800",
                                        "\\udc00",
                                        "/",
                                        "\x1f",
                                        "\xef\xbb\xbf",
                                        "\xc0\xaf",
                                        "\xed\xa0\x80",
                                        "\xf4\x90\x80\x80"}));
                break;
            case 5:
                text.resize(at);
                break;
            default:
                text.replace(at, length, one_of({"tru", "nan", "00", "1e", "\"\"", "[[", "}}", " ", "\t"}));
        }
    }

    std::mt19937_64 random_;
};

/// Compares accept sets and values on `cases` texts; returns how many were accepted.
int compare_texts(std::uint64_t seed, int cases) {
    text_maker maker(seed);
    int accepted_texts = 0;
    for (int i = 0; i < cases; ++i) {
        const std::string text = maker.make();
        const json_comparison compared = compare_with_peer(text);
        if (!compared.difference.empty()) {
            FAIL(compared.difference << ": " << text);
        }
        accepted_texts += compared.accepted ? 1 : 0;
    }
    return accepted_texts;
}

TEST_CASE("JSON: the same texts and values as nlohmann/json", "[core]") {
    const int cases = 30'000;
    const int accepted = compare_texts(1, cases);
    CHECK(accepted > cases / 4);
    CHECK(accepted < cases * 3 / 4);
}

TEST_CASE("JSON: the same as nlohmann/json on a million texts", "[core][slow]") { compare_texts(2, 1'000'000); }

}  // namespace
}  // namespace ddpm::test
