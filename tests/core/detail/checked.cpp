// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/detail/checked.hpp>

#include "support/catch.hpp"

#include <limits>

namespace ddpm::test {
namespace {

using ddpm::detail::checked_add;
using ddpm::detail::checked_multiply;

TEST_CASE("checked sums and products stop at 64 bits", "[core]") {
    constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();
    CHECK(checked_add(largest - 1, 1) == largest);
    CHECK(!checked_add(largest, 1));
    CHECK(!checked_add(largest, largest));
    CHECK(checked_multiply(largest, 1) == largest);
    CHECK(checked_multiply(largest, 0) == 0u);
    CHECK(checked_multiply(1ull << 32, (1ull << 32) - 1) == 0xffffffff00000000u);
    CHECK(!checked_multiply(1ull << 32, 1ull << 32));
    CHECK(!checked_multiply(largest, 2));
}

}  // namespace
}  // namespace ddpm::test
