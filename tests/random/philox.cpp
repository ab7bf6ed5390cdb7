// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/random/philox.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace ddpm::test {

using words = std::array<std::uint32_t, 4>;

TEST_CASE("Philox4x32-10 gives the known answers of Random123", "[random]") {
    constexpr std::uint32_t ones = 0xffffffffu;
    CHECK(philox4x32({0, 0, 0, 0}, {0, 0}) == words{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u});
    CHECK(philox4x32({ones, ones, ones, ones}, {ones, ones}) ==
          words{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu});
    CHECK(philox4x32({0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}, {0xa4093822u, 0x299f31d0u}) ==
          words{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u});
}

TEST_CASE("Philox4x32-10 can be a constant expression", "[random]") {
    static_assert(philox4x32({0, 0, 0, 0}, {0, 0})[3] == 0x9b00dbd8u);
}

TEST_CASE("changing any bit of the counter or the key changes about half of the bits of the words", "[random]") {
    const words counter{0x01234567u, 0x89abcdefu, 0x02468aceu, 0x13579bdfu};
    const std::array<std::uint32_t, 2> key{0xdeadbeefu, 0x0badf00du};
    const words before = philox4x32(counter, key);
    int least = 128, most = 0;
    for (std::size_t bit = 0; bit < 192; ++bit) {
        words c = counter;
        std::array<std::uint32_t, 2> k = key;
        (bit < 128 ? c[bit / 32] : k[bit / 32 - 4]) ^= 1u << (bit % 32);
        const words after = philox4x32(c, k);
        int changed = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            changed += __builtin_popcount(before[i] ^ after[i]);
        }
        least = std::min(least, changed);
        most = std::max(most, changed);
    }
    // 64 expected with standard deviation 5.66: both bounds are 5 deviations away (1e-4 for all 192 together).
    CHECK(least >= 36);
    CHECK(most <= 92);
}

}  // namespace ddpm::test
