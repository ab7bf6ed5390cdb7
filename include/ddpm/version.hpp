// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

// The version of the library. CMakeLists.txt and the recipes of packages read it from the next three lines.
#define DDPM_VERSION_MAJOR 0
#define DDPM_VERSION_MINOR 1
#define DDPM_VERSION_PATCH 0

/// The version as a number that compares: 10203 is 1.2.3.
#define DDPM_VERSION (DDPM_VERSION_MAJOR * 10000 + DDPM_VERSION_MINOR * 100 + DDPM_VERSION_PATCH)

/// The version as a text literal, such as "1.2.3".
#define DDPM_VERSION_STRING DDPM_VERSION_TEXT(DDPM_VERSION_MAJOR, DDPM_VERSION_MINOR, DDPM_VERSION_PATCH)

#define DDPM_VERSION_TEXT(major, minor, patch) \
    DDPM_VERSION_DIGITS(major) "." DDPM_VERSION_DIGITS(minor) "." DDPM_VERSION_DIGITS(patch)
#define DDPM_VERSION_DIGITS(number) #number

namespace ddpm {

/// The version as a text, such as "1.2.3".
inline constexpr std::string_view library_version = DDPM_VERSION_STRING;

}  // namespace ddpm
