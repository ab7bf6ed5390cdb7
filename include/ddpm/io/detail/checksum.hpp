// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ddpm::io::detail {

/// The metadata entry with the CRC-32 of the whole file, computed with the digits of this entry replaced by zeros.
inline constexpr std::string_view checksum_key = "ddpm.crc32";
inline constexpr std::string_view blank_checksum = "00000000";

/// A CRC as eight hexadecimal digits.
[[nodiscard]] inline std::string checksum_text(std::uint32_t crc) {
    std::string digits;
    for (int shift = 28; shift >= 0; shift -= 4) {
        digits.push_back("0123456789abcdef"[crc >> shift & 15]);
    }
    return digits;
}

/// The JSON text of the entry in the header.
[[nodiscard]] inline std::string checksum_entry(std::string_view digits) {
    return std::string("\"").append(checksum_key).append("\":\"").append(digits).append("\"");
}

}  // namespace ddpm::io::detail
