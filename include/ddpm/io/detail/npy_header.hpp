// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/io/detail/bytes.hpp>
#include <ddpm/io/detail/checked.hpp>
#include <ddpm/io/detail/text_cursor.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>

namespace ddpm::io::detail {

/// What the header of a NumPy file says, for a matrix of float32 or float64.
struct npy_header {
    std::size_t element_bytes = 0;
    bool fortran_order = false;
    index rows = 0;
    index columns = 0;
    std::size_t data_start = 0;
};

inline constexpr std::string_view npy_magic = "\x93NUMPY";

/// Where the data must begin; NumPy itself refuses longer headers unless told otherwise.
inline constexpr std::size_t npy_longest_prefix = 10'000;

/// The bytes before the data of a C-order matrix: version 1.0, padded so that the data begins at a multiple of 64.
[[nodiscard]] inline std::string npy_prefix(std::size_t element_bytes, index rows, index columns) {
    std::string text(npy_magic);
    text.append("\x01\x00\x00\x00", 4);
    text.append(ddpm::detail::text("{'descr': '<f", element_bytes, "', 'fortran_order': False, 'shape': (", rows, ", ",
                                   columns, "), }"));
    text.append(63 - text.size() % 64, ' ').push_back('\n');
    text[8] = static_cast<char>(text.size() - 10);
    return text;
}

/// A strict reader of the one Python literal that a header is: a dictionary of 'descr', 'fortran_order' and 'shape',
/// each once, in any order.
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
                header.element_bytes = type();
            } else if (key == "fortran_order") {
                once(has_order);
                header.fortran_order = truth();
            } else if (key == "shape") {
                once(has_shape);
                shape(header);
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

    std::size_t type() {
        const std::string_view value = string();
        if (value != "<f4" && value != "<f8") {
            at_.fail("the type '<f4' or '<f8'", "another");
        }
        return value == "<f4" ? 4 : 8;
    }

    bool truth() {
        at_.skip_space();
        const bool is_true = at_.accept_word("True");
        if (!is_true && !at_.accept_word("False")) {
            fail("True or False");
        }
        return is_true;
    }

    void shape(npy_header& header) {
        at_.expect_token('(');
        header.rows = extent();
        at_.expect_token(',');
        header.columns = extent();
        at_.accept_token(',');
        if (!at_.accept_token(')')) {
            fail("a shape of two extents");
        }
    }

    index extent() {
        at_.skip_space();
        index value = 0;
        const std::string_view rest = at_.rest();
        const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
        if (status != std::errc{} || rest.front() == '-' || (rest.front() == '0' && end - rest.data() > 1)) {
            fail("an extent from 0 to 2^63 - 1");
        }
        at_.advance(static_cast<std::size_t>(end - rest.data()));
        return value;
    }

    [[noreturn]] void fail(std::string_view expected) const { at_.fail(expected, at_.found()); }

    text_cursor at_;
};

/// Checks the header of a NumPy file against the size of the file; `prefix` is the file's beginning.
/// @throws io_error unless it is a matrix of float32 or float64 that fills the file exactly
/// @source NumPy, NEP 1, versions 1.0, 2.0 and 3.0
[[nodiscard]] inline npy_header parse_npy_header(std::span<const std::byte> prefix, std::uint64_t file_size,
                                                 std::string_view where) {
    const std::string_view text = text_of(prefix);
    if (text.size() < 12 || text.substr(0, npy_magic.size()) != npy_magic) {
        throw io_error(where, "not a NumPy file", "the bytes 93 'NUMPY' and a header", "something else");
    }
    const int version = text[6];
    if (version < 1 || version > 3 || text[7] != 0) {
        throw io_error(where, "unknown version of the NumPy format", "1.0, 2.0 or 3.0",
                       ddpm::detail::text(static_cast<unsigned>(static_cast<unsigned char>(text[6])), ".",
                                          static_cast<unsigned>(static_cast<unsigned char>(text[7]))));
    }
    const std::size_t start = version == 1 ? 10 : 12;
    const std::uint64_t length =
        version == 1 ? load_little<std::uint16_t>(prefix.data() + 8) : load_little<std::uint32_t>(prefix.data() + 8);
    if (length > npy_longest_prefix - start || start + length > text.size()) {
        throw io_error(where, "the NumPy header is too long or cut short",
                       ddpm::detail::text("at most ", npy_longest_prefix - start, " bytes inside the file"), length);
    }
    npy_header header;
    header.data_start = start + static_cast<std::size_t>(length);
    npy_dictionary_reader(text.substr(start, static_cast<std::size_t>(length)), where).read(header);
    const auto elements =
        checked_multiply(static_cast<std::uint64_t>(header.rows), static_cast<std::uint64_t>(header.columns));
    const auto bytes = elements ? checked_multiply(*elements, header.element_bytes) : std::nullopt;
    const auto total = bytes ? checked_add(*bytes, header.data_start) : std::nullopt;
    if (!total || *total != file_size) {
        throw io_error(where, "the size of the NumPy file does not fit its header",
                       ddpm::detail::text(header.data_start, " + ", header.rows, " x ", header.columns, " x ",
                                          header.element_bytes, " bytes"),
                       file_size);
    }
    return header;
}

}  // namespace ddpm::io::detail
