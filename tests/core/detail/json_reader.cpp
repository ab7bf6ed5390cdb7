// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/json_reader.hpp>

#include "support/catch.hpp"

#include <clocale>
#include <cmath>
#include <limits>
#include <locale>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using ddpm::detail::json_kind;
using ddpm::detail::json_reader;

/// Whether a text is accepted; the message where it is not.
std::string verdict(std::string_view text, int most_depth = json_reader::default_depth) {
    try {
        json_reader reader(text, "t", most_depth);
        reader.skip();
        reader.end();
    } catch (const io_error& e) {
        return e.what();
    }
    return "accepted";
}

ddpm::detail::json_number number(std::string_view text) {
    json_reader reader(text, "t");
    const auto value = reader.number();
    reader.end();
    return value;
}

std::uint64_t natural(const ddpm::detail::json_number& value) {
    REQUIRE(value.is == ddpm::detail::json_number::form::natural);
    return value.natural;
}

std::int64_t negative(const ddpm::detail::json_number& value) {
    REQUIRE(value.is == ddpm::detail::json_number::form::negative);
    return value.negative;
}

double real(const ddpm::detail::json_number& value) {
    REQUIRE(value.is == ddpm::detail::json_number::form::real);
    return value.real;
}

std::string string(std::string_view text) {
    json_reader reader(text, "t");
    std::string value = reader.string();
    reader.end();
    return value;
}

TEST_CASE("JSON that the RFC allows is accepted", "[core]") {
    for (const std::string_view text :
         {"null", "true", "false", "0", "-0", "-0.0e+0", "1E5", "10.25", "\"\"", "[]", "{}", " \t\r\n[ ] \n", "[[],{}]",
          R"({"a":1,"b":[1,2,{"c":null}],"":""})", R"("\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00")", "\"\xc3\xa9\x7f\"",
          "18446744073709551616", "1e-999"}) {
        CAPTURE(text);
        CHECK(verdict(text) == "accepted");
    }
}

TEST_CASE("JSON that the RFC forbids is an io_error", "[core]") {
    for (const std::string_view text : {
             "",
             " ",
             "nul",
             "nulll",
             "True",
             "tru",
             "+1",
             "01",
             "-",
             "-a",
             "1.",
             ".5",
             "1e",
             "1e+",
             "0x1",
             "NaN",
             "Infinity",
             "1 2",
             "'a'",
             "\"",
             "\"a",
             "\"\\",
             "\"\\x\"",
             "\"\\u12\"",
             "\"\\u12g4\"",
             "\"\\ud800\"",
             "\"\\udc00\"",
             "\"\\ud800\\u0041\"",
             "\"\\ud800x\"",
             "\"\\ud800\\n\"",
             "\"\t\"",
             "\"\n\"",
             "[",
             "]",
             "[1",
             "[1,",
             "[1,]",
             "[,1]",
             "[1 2]",
             "{",
             "}",
             "{\"a\"",
             "{\"a\":",
             "{\"a\":1",
             "{\"a\":1,",
             "{\"a\":1,}",
             "{a:1}",
             "{1:1}",
             "{\"a\" 1}",
             "{\"a\":1 \"b\":2}",
             "{\"a\":}",
             "/**/1",
             "1//",
             "[1]]",
             "1e400",
             "-1e400",
             "\xef\xbb\xbf{}",
             "\xff",
             "\"\xc3\"",
             "\"\xc0\xaf\"",
             "\"\xed\xa0\x80\"",
             "\"\xf4\x90\x80\x80\"",
             "\v1",
         }) {
        CAPTURE(text);
        CHECK(verdict(text) != "accepted");
    }
    for (int control = 0; control < 0x20; ++control) {
        CAPTURE(control);
        CHECK(verdict(std::string{'"', static_cast<char>(control), '"'}) != "accepted");
    }
    CHECK(verdict(std::string_view("1\0", 2)) != "accepted");
    CHECK(verdict(std::string_view("\0", 1)) != "accepted");
}

TEST_CASE("a JSON error says where and what", "[core]") {
    CHECK(verdict("[1,,2]") == "t: JSON byte 3; expected a value, got ','");
    CHECK(verdict("{\"a\" 1}") == "t: JSON byte 5; expected ':', got '1'");
    CHECK(verdict("[1") == "t: JSON byte 2; expected ']', got the end of the text");
    CHECK(verdict("\"\x01\"") == "t: JSON byte 1; expected a character of a string, got byte 0x01");
    CHECK(verdict("{\"a\":1,\"a\":2}") == "t: JSON byte 7; expected a new key, got a key that the object has already");
    CHECK(verdict("\"\xff\"") == "t: JSON byte 1; expected UTF-8, got byte 0xff");
    CHECK(verdict("1e999") == "t: JSON byte 0; expected a number within double's range, got 1e999");
}

TEST_CASE("a key twice is refused, however it is written", "[core]") {
    CHECK(verdict(R"({"a":1,"b":{"a":1}})") == "accepted");
    CHECK(verdict(R"({"a":1,"\u0061":1})") != "accepted");
    CHECK(verdict(R"([{"a":{"b":1,"b":1}}])") != "accepted");
    // The first that the object has already, of several; another object may have it.
    CHECK(verdict(R"({"b":1,"a":{"b":1},"c":2,"a":3,"b":4,"a":5})") ==
          "t: JSON byte 25; expected a new key, got a key that the object has already");
}

TEST_CASE("nesting is limited", "[core]") {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    CHECK(verdict(nested(8), 8) == "accepted");
    CHECK(verdict(nested(9), 8) == "t: JSON byte 8; expected at most 8 levels of nesting, got one more");
    CHECK(verdict(nested(100'000)) != "accepted");
    CHECK(verdict("[" + nested(7) + "," + nested(7) + "]", 8) == "accepted");
    CHECK(verdict(R"({"a":{"a":{}}})", 2) != "accepted");
}

TEST_CASE("JSON integers are exact and others are double", "[core]") {
    CHECK(natural(number("0")) == 0);
    CHECK(natural(number("18446744073709551615")) == std::numeric_limits<std::uint64_t>::max());
    CHECK(negative(number("-9223372036854775808")) == std::numeric_limits<std::int64_t>::min());
    CHECK(real(number("18446744073709551616")) == 18446744073709551616.0);
    CHECK(real(number("-9223372036854775809")) == -9223372036854775808.0);
    CHECK(std::signbit(real(number("-0"))));
    CHECK(real(number("1.0")) == 1.0);
    CHECK(real(number("1e2")) == 100.0);
    CHECK(real(number("0.1")) == 0.1);
    CHECK(real(number("4.9406564584124654e-324")) == std::numeric_limits<double>::denorm_min());
    CHECK(real(number("1.7976931348623157e308")) == std::numeric_limits<double>::max());
    CHECK(real(number("1e-400")) == 0.0);
    CHECK(real(number("0e999999999999999999999")) == 0.0);
    CHECK(real(number("1e-999999999999999999999")) == 0.0);
    CHECK(real(number("2.2250738585072011e-308")) == 2.2250738585072011e-308);
    CHECK(verdict("1e999999999999999999999") != "accepted");
    CHECK(verdict("1.7976931348623159e308") != "accepted");
    CHECK(natural(number("7")) == 7);
    CHECK(verdict(std::string(1000, '1')) != "accepted");
    CHECK(verdict("0." + std::string(998, '1')) == "accepted");
    CHECK(verdict("0." + std::string(999, '1')) ==
          "t: JSON byte 0; expected a number of at most 1000 characters, got 1001");
}

TEST_CASE("the program's locale has no part in a JSON number", "[core]") {
    struct comma : std::numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\3"; }
    };
    const std::locale before = std::locale::global(std::locale(std::locale::classic(), new comma));
    const std::string c_before = std::setlocale(LC_ALL, nullptr);
    static_cast<void>(std::setlocale(LC_ALL, "de_DE.UTF-8"));  // where it is installed
    const auto value = number("1234.5");
    std::setlocale(LC_ALL, c_before.c_str());
    std::locale::global(before);
    CHECK(real(value) == 1234.5);
}

TEST_CASE("a JSON unsigned integer has no sign, fraction or exponent", "[core]") {
    for (const std::string_view text :
         {"-1", "-0", "1.0", "1e0", "18446744073709551616", "true", "\"1\"", "null", "[]"}) {
        CAPTURE(text);
        json_reader reader(text, "t");
        CHECK_THROWS_AS(reader.unsigned_integer(), io_error);
    }
    json_reader reader("[42]", "t");
    std::uint64_t value = 0;
    reader.array([&] { value = reader.unsigned_integer(); });
    CHECK(value == 42);
}

TEST_CASE("JSON strings are decoded", "[core]") {
    CHECK(string(R"("a\"\\\/\b\f\n\r\tz")") == "a\"\\/\b\f\n\r\tz");
    CHECK(string(R"("\u0041\u00e9\u20AC\ud83d\ude00\uDBFF\uDFFF")") ==
          "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf");
    CHECK(string(R"("\u0000")") == std::string(1, '\0'));
    CHECK(string("\"\xe2\x82\xac\"") == "\xe2\x82\xac");
}

TEST_CASE("a JSON value of another kind is an io_error", "[core]") {
    const auto refuses = [](std::string_view text, auto take) {
        json_reader reader(text, "t");
        CHECK_THROWS_AS(take(reader), io_error);
    };
    refuses("1", [](json_reader& r) { r.null(); });
    refuses("1", [](json_reader& r) { return r.boolean(); });
    refuses("true", [](json_reader& r) { return r.number(); });
    refuses("1", [](json_reader& r) { return r.string(); });
    refuses("{}", [](json_reader& r) { r.array([] {}); });
    refuses("[]", [](json_reader& r) { r.object([](const std::string&) {}); });
    refuses("1 1", [](json_reader& r) {
        r.skip();
        r.end();
    });
}

TEST_CASE("a JSON reader hands out members and elements in order", "[core]") {
    json_reader reader(R"( {"a": [true, null, "x"], "b": {"c": 5}} )", "t");
    std::string log;
    reader.object([&](const std::string& key) {
        log += key;
        if (reader.peek() == json_kind::array) {
            reader.array([&] {
                switch (reader.peek()) {
                    case json_kind::boolean:
                        log += reader.boolean() ? "T" : "F";
                        break;
                    case json_kind::null:
                        reader.null();
                        log += "0";
                        break;
                    default:
                        log += reader.string();
                }
            });
        } else {
            reader.skip();
        }
    });
    reader.end();
    CHECK(log == "aT0xb");
}

}  // namespace
}  // namespace ddpm::test
