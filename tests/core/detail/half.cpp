// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/half.hpp>

#include "support/catch.hpp"

#include <cmath>

namespace ddpm::test {
namespace {

TEST_CASE("all 65536 values of binary16 convert exactly", "[core]") {
    int wrong = 0;
    for (unsigned bits = 0; bits < 0x10000; ++bits) {
        const float got = ddpm::detail::float_of_f16(static_cast<std::uint16_t>(bits));
        const int exponent = static_cast<int>(bits >> 10 & 31);
        const int mantissa = static_cast<int>(bits & 1023);
        const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
        const bool negative = bits >= 0x8000;
        bool right = std::signbit(got) == negative;
        if (exponent < 31) {
            right = right && std::abs(static_cast<double>(got)) == magnitude;
        } else {
            right = right && (mantissa == 0 ? std::isinf(got) : std::isnan(got));
        }
        wrong += right ? 0 : 1;
    }
    CHECK(wrong == 0);
    CHECK(ddpm::detail::float_of_f16(0x3c00) == 1.0f);
    CHECK(ddpm::detail::float_of_f16(0x7bff) == 65504.0f);
    CHECK(ddpm::detail::float_of_f16(0x0001) == 0x1p-24f);
}

}  // namespace
}  // namespace ddpm::test
