// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/version.hpp>

#include "support/catch.hpp"

#include <string>

namespace ddpm::test {

#if defined(DDPM_TEST_STANDARD) && DDPM_TEST_STANDARD >= 23
static_assert(__cplusplus > 202002L, "the headers are not compiled as the C++ that was asked for");
#endif

TEST_CASE("the version is one as numbers, as a number that compares and as a text", "[core]") {
    CHECK(library_version == DDPM_VERSION_STRING);
    CHECK(library_version == std::to_string(DDPM_VERSION_MAJOR) + "." + std::to_string(DDPM_VERSION_MINOR) + "." +
                                 std::to_string(DDPM_VERSION_PATCH));
    CHECK(DDPM_VERSION == 10000 * DDPM_VERSION_MAJOR + 100 * DDPM_VERSION_MINOR + DDPM_VERSION_PATCH);
#if DDPM_VERSION < 100 || DDPM_VERSION >= 1000000
    FAIL("the preprocessor compares versions");
#endif
}

}  // namespace ddpm::test
