// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/bytes.hpp>
#include <ddpm/core/detail/checked.hpp>
#include <ddpm/core/detail/json_writer.hpp>
#include <ddpm/core/detail/text_cursor.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/detail/foreign_content.hpp>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::io::detail {

/// The element type of an array.
struct npy_type {
    char kind = 'f';  ///< as in NumPy's descr: 'b' boolean, 'i' and 'u' integer, 'f' floating point
    std::size_t bytes = 0;
    bool big_endian = false;
};

/// The header of a NumPy file.
struct npy_header {
    npy_type type;
    bool fortran_order = false;
    std::vector<isize> shape;
    std::size_t data_start = 0;

    /// N: the first extent, or 1 if there is only one extent.
    [[nodiscard]] isize samples() const noexcept { return shape.size() > 1 ? shape.front() : 1; }

    /// The extents of a sample.
    [[nodiscard]] std::span<const isize> sample_extents() const noexcept {
        return std::span(shape).subspan(shape.size() > 1 ? 1 : 0);
    }

    /// D, the number of elements of a sample.
    [[nodiscard]] isize sample_size() const noexcept {
        const auto extents = sample_extents();
        return std::accumulate(extents.begin(), extents.end(), isize{1}, std::multiplies<>());
    }
};

/// A shape in Python's notation.
[[nodiscard]] inline std::string npy_shape_text(std::span<const isize> shape) {
    std::string out = "(";
    for (const isize extent : shape) {
        out.append(out.size() > 1 ? " " : "").append(ddpm::detail::text(extent, ','));
    }
    if (shape.size() > 1) {
        out.pop_back();
    }
    return out + ")";
}

/// A description of a descr for messages, such as '<c8' (complex numbers).
[[nodiscard]] inline std::string npy_type_text(std::string_view descr) {
    constexpr std::array<std::pair<char, std::string_view>, 10> kinds{{{'b', "truth values"},
                                                                       {'i', "signed integers"},
                                                                       {'u', "unsigned integers"},
                                                                       {'f', "floating-point numbers"},
                                                                       {'c', "complex numbers"},
                                                                       {'O', "Python objects"},
                                                                       {'S', "byte strings"},
                                                                       {'U', "texts"},
                                                                       {'M', "dates"},
                                                                       {'m', "durations"}}};
    const std::size_t at = descr.find_first_not_of("<>|=");
    std::string_view meaning = "raw bytes or no type of NumPy";
    for (const auto& [kind, name] : kinds) {
        meaning = at != descr.npos && descr[at] == kind ? name : meaning;
    }
    return ddpm::detail::text(ddpm::detail::quoted(descr), " (", meaning, ")");
}

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// The largest position of the data; NumPy too rejects longer headers by default.
inline constexpr std::size_t npy_longest_prefix = 10'000;

/// The header of a C-order array of floating-point numbers: version 1.0, padded so that the data starts at a multiple
/// of 64.
[[nodiscard]] inline std::string npy_prefix(std::size_t element_bytes, std::span<const isize> shape) {
    std::string text(npy_magic);
    text.append("\x01\x00\x00\x00", 4);
    text.append(ddpm::detail::text("{'descr': '<f", element_bytes,
                                   "', 'fortran_order': False, 'shape': ", npy_shape_text(shape), ", }"));
    text.append(63 - text.size() % 64, ' ').push_back('\n');
    text[8] = static_cast<char>(text.size() - 10);
    return text;
}

/// A strict parser of the header's Python literal: a dictionary with 'descr', 'fortran_order' and 'shape', each once,
/// in any order.
class npy_dictionary_reader {
public:
    npy_dictionary_reader(std::string_view text, std::string_view where) : at_(text, where, "npy header") {}

    void read(npy_header& header) {
        bool has_type = false;
        bool has_order = false;
        bool has_shape = false;
        const auto once = [&](bool& seen) {
            if (seen) {
                at_.fail("each key once", "one of them again");
            }
            seen = true;
        };
        at_.expect_token('{');
        while (!at_.accept_token('}')) {
            const std::string_view key = string();
            at_.expect_token(':');
            if (key == "descr") {
                once(has_type);
                header.type = type();
            } else if (key == "fortran_order") {
                once(has_order);
                header.fortran_order = truth();
            } else if (key == "shape") {
                once(has_shape);
                header.shape = shape();
            } else {
                at_.fail("the key 'descr', 'fortran_order' or 'shape'", "another");
            }
            if (!at_.accept_token(',')) {
                at_.expect_token('}');
                break;
            }
        }
        at_.skip_space();
        if (!at_.at_end()) {
            fail("the end of the header");
        }
        if (!has_type || !has_order || !has_shape) {
            at_.fail("the keys 'descr', 'fortran_order' and 'shape'", "fewer");
        }
    }

private:
    std::string_view string() {
        const char quote = at_.accept_token('"') ? '"' : '\'';
        if (quote == '\'') {
            at_.expect_token(quote);
        }
        const std::size_t start = at_.position();
        const std::size_t length = at_.rest().find(quote);
        if (length == std::string_view::npos) {
            fail("a quoted text");
        }
        at_.advance(length);
        const std::string_view value = at_.since(start);
        at_.advance();
        return value;
    }

    npy_type type() {
        constexpr auto expected = "truth values, integers or floating-point numbers of at most 8 bytes";
        at_.skip_space();
        if (at_.current() == '[') {
            at_.fail(expected, "a structured type");
        }
        const std::string_view descr = string();
        // Byte order, kind, size. Single bytes have no order: NumPy writes '|'.
        const std::string_view sizes = descr.size() != 3 ? ""
                                       : descr[1] == 'f' ? "248"
                                       : descr[1] == 'b' ? "1"
                                       : descr[1] == 'i' ? "1248"
                                       : descr[1] == 'u' ? "1248"
                                                         : "";
        const std::string_view orders = sizes.empty() || descr[2] == '1' ? "<>|" : "<>";
        if (sizes.empty() || sizes.find(descr[2]) == sizes.npos || orders.find(descr[0]) == orders.npos) {
            at_.fail(expected, npy_type_text(descr));
        }
        return {descr[1], static_cast<std::size_t>(descr[2] - '0'), descr[0] == '>'};
    }

    bool truth() {
        at_.skip_space();
        const bool is_true = at_.accept_word("True");
        if (!is_true && !at_.accept_word("False")) {
            fail("True or False");
        }
        return is_true;
    }

    std::vector<isize> shape() {
        std::vector<isize> extents;
        at_.expect_token('(');
        while (!at_.accept_token(')')) {
            extents.push_back(extent());
            if (!at_.accept_token(',')) {
                if (extents.size() < 2) {
                    fail("a comma after the only extent");
                }
                at_.expect_token(')');
                break;
            }
        }
        if (extents.empty()) {
            at_.fail("a shape of at least one extent", "none: a single number");
        }
        return extents;
    }

    isize extent() {
        at_.skip_space();
        isize value = 0;
        const std::string_view rest = at_.rest();
        const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        if (status != std::errc{} || rest.front() == '-' || (rest.front() == '0' && end - rest.data() > 1)) {
            fail("an extent from 0 to 2^63 - 1");
        }
        at_.advance(static_cast<std::size_t>(end - rest.data()));
        return value;
    }

    [[noreturn]] void fail(std::string_view expected) const { at_.fail(expected, at_.found()); }

    ddpm::detail::text_cursor at_;
};

/// Checks the header of a NumPy file against the file size; `prefix` is the start of the file.
/// @throws io_error unless it is an array of numbers that fills the file exactly
/// @source NumPy, NEP 1, versions 1.0, 2.0 and 3.0
[[nodiscard]] inline npy_header parse_npy_header(std::span<const std::byte> prefix, std::uint64_t file_size,
                                                 std::string_view where) {
    const std::string_view text = ddpm::detail::text_of(prefix);
    if (!text.starts_with(npy_magic)) {
        throw io_error(where, "not a NumPy file", "the bytes 93 'NUMPY' and a header", foreign_content(prefix));
    }
    if (text.size() < 12) {
        throw io_error(where, "the NumPy header is cut short", "at least 12 bytes", text.size());
    }
    const int version = static_cast<unsigned char>(text[6]);
    if (version < 1 || version > 3 || text[7] != 0) {
        throw io_error(where, "unknown version of the NumPy format", "1.0, 2.0 or 3.0",
                       ddpm::detail::text(static_cast<unsigned>(static_cast<unsigned char>(text[6])), ".",
                                          static_cast<unsigned>(static_cast<unsigned char>(text[7]))));
    }
    const std::size_t start = version == 1 ? 10 : 12;
    const std::uint64_t length = version == 1 ? ddpm::detail::load_little<std::uint16_t>(prefix.data() + 8)
                                              : ddpm::detail::load_little<std::uint32_t>(prefix.data() + 8);
    if (length > npy_longest_prefix - start || start + length > text.size()) {
        throw io_error(where, "the NumPy header is too long or cut short",
                       ddpm::detail::text("at most ", npy_longest_prefix - start, " bytes inside the file"), length);
    }
    npy_header header;
    header.data_start = start + static_cast<std::size_t>(length);
    npy_dictionary_reader(text.substr(start, static_cast<std::size_t>(length)), where).read(header);
    // An extent of 0 must not hide an overflow of the others.
    std::optional<std::uint64_t> sample_bytes = header.type.bytes;
    for (const isize extent : header.sample_extents()) {
        sample_bytes = sample_bytes ? ddpm::detail::checked_multiply(*sample_bytes, static_cast<std::uint64_t>(extent))
                                    : std::nullopt;
    }
    const auto bytes = sample_bytes
                           ? ddpm::detail::checked_multiply(*sample_bytes, static_cast<std::uint64_t>(header.samples()))
                           : std::nullopt;
    const auto total = bytes ? ddpm::detail::checked_add(*bytes, header.data_start) : std::nullopt;
    if (!total || *total != file_size) {
        throw io_error(where, "the size of the NumPy file does not fit its header",
                       ddpm::detail::text(header.data_start, " bytes and ", npy_shape_text(header.shape), " x ",
                                          header.type.bytes, " bytes"),
                       file_size);
    }
    return header;
}

}  // namespace ddpm::io::detail
