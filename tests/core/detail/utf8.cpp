// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/utf8.hpp>

#include "support/catch.hpp"

#include <set>
#include <string>

namespace ddpm::test {
namespace {

using detail::append_utf8;
using detail::first_invalid_utf8;

TEST_CASE("UTF-8: exactly the encodings of all code points are well-formed", "[core]") {
    std::set<std::string> of_two;
    std::set<std::string> of_three;
    std::size_t of_four = 0;
    for (char32_t point = 0; point < 0x110000; ++point) {
        if (point < 0xd800 || point > 0xdfff) {
            std::string text;
            append_utf8(text, point);
            if (first_invalid_utf8(text) != text.size()) {
                FAIL("refused " << static_cast<unsigned long>(point));
            }
            of_four += text.size() == 4 ? 1U : 0U;
            if (text.size() == 2) {
                of_two.insert(text);
            } else if (text.size() == 3) {
                of_three.insert(text);
            }
        }
    }
    REQUIRE(of_two.size() == 0x800 - 0x80);
    REQUIRE(of_three.size() == 0x10000 - 0x800 - 0x800);
    REQUIRE(of_four == 0x100000);

    std::size_t four_accepted = 0;
    for (unsigned lead = 0x80; lead < 0x100; ++lead) {
        std::string text(1, static_cast<char>(lead));
        CHECK(first_invalid_utf8(text) == 0);
        for (unsigned second = 0; second < 0x100; ++second) {
            text.resize(1);
            text.push_back(static_cast<char>(second));
            if ((first_invalid_utf8(text) == 2) != (of_two.count(text) == 1)) {
                FAIL("two bytes " << lead << " " << second);
            }
            for (unsigned third = 0x7f; third < 0xc1; ++third) {
                text.resize(2);
                text.push_back(static_cast<char>(third));
                // Two bytes and a character by itself, or three bytes in one.
                const bool well_formed =
                    of_three.count(text) == 1 || (of_two.count(text.substr(0, 2)) == 1 && third < 0x80);
                if ((first_invalid_utf8(text) == 3) != well_formed) {
                    FAIL("three bytes " << lead << " " << second << " " << third);
                }
                text.push_back('\x80');
                four_accepted += lead >= 0xf0 && first_invalid_utf8(text) == 4 ? 1U : 0U;
            }
        }
    }
    CHECK(four_accepted == 0x100000 / 64);
}

TEST_CASE("UTF-8: the first bad byte is found", "[core]") {
    CHECK(first_invalid_utf8("") == 0);
    CHECK(first_invalid_utf8("ab\xc3\xa9") == 4);
    CHECK(first_invalid_utf8("ab\xc3") == 2);
    CHECK(first_invalid_utf8("ab\xe2\x82") == 2);
    CHECK(first_invalid_utf8("ab\xf0\x9f\x98 ") == 2);
    CHECK(first_invalid_utf8("a\x80 b") == 1);
}

}  // namespace
}  // namespace ddpm::test
