// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <stdexcept>

// Before the first include, as a user would. What stands in for assert here throws, so that a test can see it.
#define DDPM_ASSERT(condition) ((condition) ? void() : throw std::logic_error(#condition))
#include <ddpm/core/assert.hpp>

#include "support/catch.hpp"

namespace ddpm::test {

TEST_CASE("an assertion of the user's replaces assert", "[core]") {
    CHECK_NOTHROW(DDPM_ASSERT(1 + 1 == 2));
    CHECK_THROWS_AS(DDPM_ASSERT(1 + 1 == 3), std::logic_error);
}

}  // namespace ddpm::test
