// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ddpm::io::detail {

/// table[k][b]: the effect of byte b followed by k zero bytes.
[[nodiscard]] constexpr std::array<std::array<std::uint32_t, 256>, 8> make_crc32_table() noexcept {
    std::array<std::array<std::uint32_t, 256>, 8> made{};
    for (std::uint32_t b = 0; b < 256; ++b) {
        std::uint32_t state = b;
        for (int bit = 0; bit < 8; ++bit) {
            state = state >> 1 ^ (state & 1 ? 0xedb88320u : 0);
        }
        made[0][b] = state;
    }
    for (std::size_t k = 1; k < 8; ++k) {
        for (std::size_t b = 0; b < 256; ++b) {
            made[k][b] = made[k - 1][b] >> 8 ^ made[0][made[k - 1][b] & 0xff];
        }
    }
    return made;
}

inline constexpr auto crc32_table = make_crc32_table();

/// CRC-32 as in zlib, PNG and Python's zlib.crc32; the data may be added in pieces.
class crc32 {
public:
    void update(std::span<const std::byte> bytes) noexcept {
        std::uint32_t state = state_;
        const std::byte* at = bytes.data();
        std::size_t left = bytes.size();
        for (; left >= 8; left -= 8, at += 8) {
            const std::uint64_t word = ddpm::detail::load_little<std::uint64_t>(at) ^ state;
            state = 0;
            for (unsigned i = 0; i < 8; ++i) {
                state ^= crc32_table[7 - i][word >> 8 * i & 0xff];
            }
        }
        for (; left > 0; --left, ++at) {
            state = state >> 8 ^ crc32_table[0][(state ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
        }
        state_ = state;
    }

    [[nodiscard]] std::uint32_t value() const noexcept { return ~state_; }

private:
    std::uint32_t state_ = ~std::uint32_t{0};
};

}  // namespace ddpm::io::detail
