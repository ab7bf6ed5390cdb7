// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>

#include <cstdio>
#include <cstdlib>

namespace ddpm::fuzz {

/// Ends the program, so that the fuzzer keeps the input, unless `condition` holds.
inline void require(bool condition, const char* what) {
    if (!condition) {
        std::fprintf(stderr, "fuzz: %s\n", what);
        std::abort();
    }
}

/// Calls body(). The library's own exceptions are what bad bytes deserve; others pass through, and end the program.
/// @returns whether it threw none
template <class Body>
bool accepted(const Body& body) {
    try {
        body();
        return true;
    } catch (const base_error&) {
        return false;
    }
}

}  // namespace ddpm::fuzz
