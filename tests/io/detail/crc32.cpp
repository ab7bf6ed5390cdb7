// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/detail/crc32.hpp>

#include "support/catch.hpp"

#include <string>

namespace ddpm::test {
namespace {

std::uint32_t crc_of(std::string_view text) {
    io::detail::crc32 crc;
    crc.update(ddpm::detail::bytes_of(text));
    return crc.value();
}

TEST_CASE("CRC-32 gives the published values", "[io]") {
    CHECK(crc_of("") == 0);
    CHECK(crc_of("123456789") == 0xcbf43926);
    CHECK(crc_of("The quick brown fox jumps over the lazy dog") == 0x414fa339);
    CHECK(crc_of(std::string(32, '\0')) == 0x190a55ad);
}

TEST_CASE("CRC-32 does not depend on how the bytes are cut", "[io]") {
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text.push_back(static_cast<char>(i * 37));
    }
    const std::uint32_t whole = crc_of(text);
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
        io::detail::crc32 crc;
        crc.update(ddpm::detail::bytes_of(std::string_view(text).substr(0, cut)));
        crc.update(ddpm::detail::bytes_of(std::string_view(text).substr(cut)));
        REQUIRE(crc.value() == whole);
    }
}

}  // namespace
}  // namespace ddpm::test
