// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// The part of Catch2 that versions 2.13 and 3 share.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>

namespace ddpm::test {

using Catch::Matchers::ContainsSubstring;

}  // namespace ddpm::test
#else
#include <catch2/catch.hpp>

#include <string>

namespace ddpm::test {

/// Matches a text that holds `part`, under the name of version 3.
inline auto ContainsSubstring(const std::string& part) { return Catch::Matchers::Contains(part); }

}  // namespace ddpm::test
#endif
