// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ddpm::io::detail {

/// Appends bits to bytes, the first bit lowest, as DEFLATE orders them.
class bit_writer {
public:
    explicit bit_writer(std::vector<std::uint8_t>& out) : out_(out) {}

    /// Appends the lowest `count` bits of `value`, its lowest bit first; count ≤ 16.
    void put(std::uint32_t value, unsigned count) {
        pending_ |= value << used_;
        for (used_ += count; used_ >= 8; used_ -= 8) {
            out_.push_back(static_cast<std::uint8_t>(pending_ & 0xff));
            pending_ >>= 8;
        }
    }

    /// Appends a Huffman code, its highest bit first.
    void put_code(std::uint32_t code, unsigned count) {
        std::uint32_t reversed = 0;
        for (unsigned i = 0; i < count; ++i) {
            reversed |= (code >> i & 1u) << (count - 1 - i);
        }
        put(reversed, count);
    }

    /// Fills the last byte with zeros.
    void finish() { put(0, (8 - used_) % 8); }

private:
    std::vector<std::uint8_t>& out_;
    std::uint32_t pending_ = 0;  ///< the bits that do not fill a byte yet
    unsigned used_ = 0;          ///< how many they are
};

/// A symbol of DEFLATE for a range of lengths or distances: the values from `first` on, told apart by `extra_bits`.
struct deflate_range {
    std::uint32_t first;
    unsigned extra_bits;
};

/// The ranges in the order of their symbols: the number of extra bits rises by one after every `group` symbols, from
/// the symbol 2 · group on.
template <std::size_t Symbols>
[[nodiscard]] constexpr std::array<deflate_range, Symbols> make_deflate_ranges(std::uint32_t first, std::size_t group) {
    std::array<deflate_range, Symbols> ranges{};
    for (std::size_t symbol = 0; symbol < Symbols; ++symbol) {
        const unsigned extra_bits = symbol < 2 * group ? 0 : static_cast<unsigned>(symbol / group) - 1;
        ranges[symbol] = {first, extra_bits};
        first += 1u << extra_bits;
    }
    return ranges;
}

inline constexpr std::uint32_t shortest_match = 3, longest_match = 258, farthest_match = 32768;
inline constexpr auto distance_ranges = make_deflate_ranges<30>(1, 2);

/// The symbols 257 to 284; 285 stands for the longest match alone.
inline constexpr auto length_ranges = make_deflate_ranges<28>(shortest_match, 4);

/// The number of the last range that begins at or below `value`.
template <std::size_t Symbols>
[[nodiscard]] std::uint32_t range_of(const std::array<deflate_range, Symbols>& ranges, std::uint32_t value) {
    const auto after = std::upper_bound(ranges.begin(), ranges.end(), value,
                                        [](std::uint32_t v, const deflate_range& range) { return v < range.first; });
    return static_cast<std::uint32_t>(after - ranges.begin()) - 1;
}

/// Writes a literal byte, the end of the block (256) or a length's symbol by the fixed Huffman code.
inline void put_symbol(bit_writer& bits, std::uint32_t symbol) {
    if (symbol < 144) {
        bits.put_code(0x30 + symbol, 8);
    } else if (symbol < 256) {
        bits.put_code(0x190 + symbol - 144, 9);
    } else if (symbol < 280) {
        bits.put_code(symbol - 256, 7);
    } else {
        bits.put_code(0xc0 + symbol - 280, 8);
    }
}

inline void put_match(bit_writer& bits, std::uint32_t length, std::uint32_t distance) {
    if (length == longest_match) {
        put_symbol(bits, 285);
    } else {
        const std::uint32_t range = range_of(length_ranges, length);
        put_symbol(bits, 257 + range);
        bits.put(length - length_ranges[range].first, length_ranges[range].extra_bits);
    }
    const std::uint32_t range = range_of(distance_ranges, distance);
    bits.put_code(range, 5);
    bits.put(distance - distance_ranges[range].first, distance_ranges[range].extra_bits);
}

/// Finds earlier occurrences of what comes next, by lists of the places where the same three bytes begin.
class match_finder {
public:
    struct match {
        std::uint32_t length = 0;
        std::uint32_t distance = 0;
    };

    explicit match_finder(std::span<const std::uint8_t> bytes)
        : bytes_(bytes), latest_(std::size_t{1} << hash_bits, none), earlier_(farthest_match, none) {}

    /// The longest match of the bytes from `at` on, of length 0 if there is none, among the last places of the list.
    [[nodiscard]] match longest(std::size_t at) const {
        match best;
        if (bytes_.size() - at < shortest_match) {
            return best;
        }
        const std::size_t most = std::min<std::size_t>(longest_match, bytes_.size() - at);
        std::size_t place = latest_[hash(at)];
        for (int tries = 0; tries < 32 && place != none && at - place <= farthest_match; ++tries) {
            std::size_t length = 0;
            while (length < most && bytes_[place + length] == bytes_[at + length]) {
                ++length;
            }
            if (length >= shortest_match && length > best.length) {
                best = {static_cast<std::uint32_t>(length), static_cast<std::uint32_t>(at - place)};
            }
            place = earlier_[place % farthest_match];
        }
        return best;
    }

    /// Adds the place `at` to its list.
    void add(std::size_t at) {
        if (bytes_.size() - at >= shortest_match) {
            std::size_t& latest = latest_[hash(at)];
            earlier_[at % farthest_match] = latest;
            latest = at;
        }
    }

private:
    static constexpr unsigned hash_bits = 15;
    static constexpr std::size_t none = ~std::size_t{0};

    [[nodiscard]] std::size_t hash(std::size_t at) const {
        const std::uint32_t three =
            bytes_[at] | std::uint32_t{bytes_[at + 1]} << 8 | std::uint32_t{bytes_[at + 2]} << 16;
        return std::uint64_t{three} * 0x9e3779b1u >> (32 - hash_bits) & ((1u << hash_bits) - 1);
    }

    std::span<const std::uint8_t> bytes_;
    std::vector<std::size_t> latest_;   ///< by hash
    std::vector<std::size_t> earlier_;  ///< by place, modulo the farthest distance
};

/// The checksum at the end of a zlib stream.
/// @source RFC 1950, section 8
[[nodiscard]] inline std::uint32_t adler32(std::span<const std::uint8_t> bytes) {
    std::uint32_t a = 1, b = 0;
    for (const std::uint8_t byte : bytes) {
        a = (a + byte) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/// Compresses bytes into a zlib stream of one block, by greedy matching and the fixed Huffman code.
/// @complexity linear; images of noise grow by at most an eighth
/// @source RFC 1950, RFC 1951 (section 3.2.6)
[[nodiscard]] inline std::vector<std::uint8_t> zlib_compressed(std::span<const std::uint8_t> bytes) {
    std::vector<std::uint8_t> out{0x78, 0x9c};  // a window of 32 KB; the header's check
    bit_writer bits(out);
    bits.put(0b011, 3);  // the last block, by the fixed code
    match_finder finder(bytes);
    for (std::size_t at = 0; at < bytes.size();) {
        const auto [length, distance] = finder.longest(at);
        if (length == 0) {
            put_symbol(bits, bytes[at]);
        } else {
            put_match(bits, length, distance);
        }
        for (const std::size_t next = at + std::max<std::size_t>(1, length); at < next; ++at) {
            finder.add(at);
        }
    }
    put_symbol(bits, 256);
    bits.finish();
    for (const std::byte byte : ddpm::detail::big_u32(adler32(bytes))) {
        out.push_back(std::to_integer<std::uint8_t>(byte));
    }
    return out;
}

}  // namespace ddpm::io::detail
