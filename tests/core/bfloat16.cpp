// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace ddpm::test {

TEST_CASE("every bfloat16 survives the way to float and back", "[core]") {
    for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
        const bfloat16 x{static_cast<std::uint16_t>(bits)};
        const float wide = to_float(x);
        if (std::isnan(wide)) {
            REQUIRE(std::isnan(to_float(to_bfloat16(wide))));
        } else {
            REQUIRE(to_bfloat16(wide).bits == x.bits);
        }
    }
}

TEST_CASE("bfloat16 is the upper half of a float", "[core]") {
    CHECK(to_float(bfloat16{0x3f80}) == 1.0f);
    CHECK(to_float(bfloat16{0xc049}) == -3.140625f);
    CHECK(std::isnan(to_float(bfloat16{0x7fc0})));
    CHECK(std::isinf(to_float(bfloat16{0xff80})));
}

TEST_CASE("a float is rounded to the nearest bfloat16, ties to even", "[core]") {
    CHECK(to_float(to_bfloat16(1.0f)) == 1.0f);
    CHECK(to_float(to_bfloat16(1.0f + 0x1p-8f)) == 1.0f);               // a tie, to even
    CHECK(to_float(to_bfloat16(1.0f + 0x3p-8f)) == 1.0f + 0x1p-6f);     // a tie, to even
    CHECK(to_float(to_bfloat16(1.0f + 0x1.02p-8f)) == 1.0f + 0x1p-7f);  // above the tie
    CHECK(to_float(to_bfloat16(-1.0f - 0x1p-8f)) == -1.0f);
    CHECK(std::isinf(to_float(to_bfloat16(std::numeric_limits<float>::max()))));
    CHECK(to_bfloat16(-0.0f).bits == 0x8000u);
    CHECK(to_float(to_bfloat16(std::numeric_limits<float>::infinity())) == std::numeric_limits<float>::infinity());
    CHECK(std::isnan(to_float(to_bfloat16(std::bit_cast<float>(0x7f800001u)))));  // its upper half alone is infinity
}

TEST_CASE("a float that becomes a bfloat16 keeps its bound", "[core]") {
    bool right = true;
    for (std::uint32_t bits = 0; bits < 0x7f7f8000u; bits += 4093) {
        const float x = std::bit_cast<float>(bits);
        const long double bound = std::max(0x1p-8L * x, 0x1p-134L);
        right = right && within(to_float(to_bfloat16(x)), x, bound) && within(to_float(to_bfloat16(-x)), -x, bound);
    }
    CHECK(right);
    CHECK(std::isinf(to_float(to_bfloat16(0x1.ffp127f))));
    CHECK(to_float(to_bfloat16(std::nextafter(0x1.ffp127f, 0.0f))) == 0x1.fep127f);
}

}  // namespace ddpm::test
