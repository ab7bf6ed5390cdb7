// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/multiply_add.hpp>

#include "support/catch.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

namespace ddpm::test {

TEST_CASE("a product and a sum are rounded once, in float too", "[core]") {
    // The product is halfway between two floats, and the summand far below its last bit decides.
    const float half = 1 + 0x1p-12f;  // its square is 1 + 2^-11 + 2^-24
    CHECK(detail::multiply_add(half, half, 0x1p-100f) == 1 + 0x1p-11f + 0x1p-23f);
    CHECK(detail::multiply_add(half, half, -0x1p-100f) == 1 + 0x1p-11f);
    CHECK(detail::multiply_add(-half, half, -0x1p-100f) == -1 - 0x1p-11f - 0x1p-23f);
    CHECK(detail::multiply_add(-half, half, 0x1p-100f) == -1 - 0x1p-11f);
    CHECK(detail::multiply_add(3.0f, 5.0f, -15.0f) == 0);
    CHECK(detail::multiply_add(2.0f, std::numeric_limits<float>::infinity(), 1.0f) ==
          std::numeric_limits<float>::infinity());
    CHECK(detail::multiply_add(-2.0f, std::numeric_limits<float>::infinity(), 1.0f) ==
          -std::numeric_limits<float>::infinity());
    CHECK(std::isnan(detail::multiply_add(0.0f, std::numeric_limits<float>::infinity(), 1.0f)));

    const double x = 1 + 0x1p-30;
    CHECK(detail::multiply_add(x, x, -(1 + 0x1p-29)) == 0x1p-60);

    // Against the library's own, where that is known to round once.
#if defined(__GLIBC__)
    std::mt19937 bits(1);
    const auto number = [&](int exponents) {
        const auto exponent = static_cast<int>(bits() % static_cast<unsigned>(2 * exponents + 1)) - exponents;
        return std::ldexp(static_cast<float>(static_cast<std::int32_t>(bits())), exponent - 31);
    };
    for (int i = 0; i < 200000; ++i) {
        const float a = number(40), b = number(40), c = number(80);
        const float expected = std::fma(a, b, c), got = detail::multiply_add(a, b, c);
        if (std::bit_cast<std::uint32_t>(expected) != std::bit_cast<std::uint32_t>(got)) {
            CAPTURE(a, b, c);
            REQUIRE(got == expected);
        }
    }
#endif
}

}  // namespace ddpm::test
