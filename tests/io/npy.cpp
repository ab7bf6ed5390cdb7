// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/npy.hpp>

#include "support/catch.hpp"
#include "support/allocations.hpp"
#include "support/temporary_folder.hpp"

#include <cstring>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

/// A file of version 1.0 with that dictionary and the values 1, 2, … in float32.
std::string file_of(std::string_view dictionary, int values = 6) {
    std::string text("\x93NUMPY\x01\0", 8);
    text.push_back(static_cast<char>(dictionary.size() & 255));
    text.push_back(static_cast<char>(dictionary.size() >> 8));
    text.append(dictionary);
    for (int i = 1; i <= values; ++i) {
        const auto value = static_cast<float>(i);
        text.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    return text;
}

const std::string valid = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";

/// The message of the error, or "accepted"; no allocation much beyond the file.
template <class Read>
std::string message_of(std::size_t file_size, Read&& read) {
    largest_allocation = 0;
    std::string message = "accepted";
    try {
        static_cast<void>(read().size());
    } catch (const io_error& e) {
        message = e.what();
    }
    if (largest_allocation > file_size + 4096) {
        FAIL("allocated " << largest_allocation << " bytes at once for a file of " << file_size);
    }
    return message;
}

std::string verdict(const std::string& content) {
    return message_of(content.size(), [&] { return io::parse_npy<float>(io::detail::bytes_of(content), "f"); });
}

/// The same of a file, which must be the same.
std::string verdict_on_disk(const std::string& content) {
    static const temporary_folder folder;
    const std::string path = folder / "f";
    write_text(path, content);
    std::string message = message_of(content.size(), [&] { return io::read_npy<float>(path); });
    if (message != "accepted") {
        message = message.substr(path.size() - 1);
    }
    if (message != verdict(content)) {
        FAIL("on disk " << message << " but in memory " << verdict(content));
    }
    return message;
}

bool accepts(std::string_view dictionary) { return verdict(file_of(dictionary)) == "accepted"; }

TEST_CASE("write_npy writes the bytes that NumPy writes", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "samples.npy";
    batch<float> samples(2, 3);
    samples << 1, 2, 3, 4, 5, 6;
    io::write_npy(path, samples);
    std::string expected("\x93NUMPY\x01\0v\0", 10);
    expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
    expected.resize(127, ' ');
    expected += '\n';
    for (const float value : {1.0f, 4.0f, 2.0f, 5.0f, 3.0f, 6.0f}) {
        expected.append(reinterpret_cast<const char*>(&value), sizeof(value));
    }
    CHECK((read_text(path) == expected));
}

TEMPLATE_TEST_CASE("a batch comes back from its npy file", "[io]", float, double) {
    using S = TestType;
    using other = std::conditional_t<std::is_same_v<S, float>, double, float>;
    const temporary_folder folder;
    const std::string path = folder / "samples.npy";
    const batch<S> samples = batch<S>::Random(5, 7);
    io::write_npy(path, samples);
    CHECK((io::read_npy<S>(path) == samples).all());
    CHECK((io::read_npy<other>(path) == samples.template cast<other>()).all());
    CHECK((io::parse_npy<other>(io::detail::bytes_of(read_text(path)), "f") == samples.template cast<other>()).all());

    io::write_npy(path, batch_view<const S>(samples).middle_rows(1, 3));
    CHECK((io::read_npy<S>(path) == samples.middleRows(1, 3)).all());
    io::write_npy(path, samples * S{2} + S{1});
    CHECK((io::read_npy<S>(path) == samples * S{2} + S{1}).all());
    io::write_npy(path, batch<S>(4, 0));
    CHECK(io::read_npy<S>(path).rows() == 4);
    CHECK(io::read_npy<S>(path).cols() == 0);
    CHECK_THROWS_AS(io::write_npy(folder / "absent/file", samples), io_error);
    CHECK_THROWS_AS(io::read_npy<S>(folder / "absent"), io_error);
    CHECK_THROWS_AS(io::read_npy<S>(folder / ""), io_error);
}

TEST_CASE("npy arrays in both orders are read", "[io]") {
    const batch<float> rows = io::parse_npy<float>(io::detail::bytes_of(file_of(valid)), "f");
    CHECK((rows == batch<float>{{1, 4}, {2, 5}, {3, 6}}).all());
    const std::string fortran = file_of("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}");
    CHECK((io::parse_npy<float>(io::detail::bytes_of(fortran), "f") == batch<float>{{1, 2}, {3, 4}, {5, 6}}).all());
    CHECK((io::parse_npy<double>(io::detail::bytes_of(fortran), "f") == batch<double>{{1, 2}, {3, 4}, {5, 6}}).all());
}

TEST_CASE("npy headers that other programs write are read", "[io]") {
    CHECK(accepts(valid));
    CHECK(accepts("{'shape': (2, 3), 'fortran_order': False, 'descr': '<f4'}"));
    CHECK(accepts("  {\"descr\":\"<f4\",\"fortran_order\":False,\"shape\":(2,3,)}  \n"));
    std::string second = file_of(valid);
    second[6] = 2;
    second.insert(10, 2, '\0');
    CHECK(verdict_on_disk(second) == "accepted");
    second[6] = 3;
    CHECK(verdict_on_disk(second) == "accepted");
}

TEST_CASE("an npy error says what is wrong", "[io]") {
    const auto with = [](std::string_view from, std::string_view to) {
        std::string text = valid;
        return text.replace(text.find(from), from.size(), to);
    };
    CHECK(verdict_on_disk("") == "f: not a NumPy file; expected the bytes 93 'NUMPY' and a header, got something else");
    std::string version = file_of(valid);
    version[6] = 4;
    CHECK(verdict_on_disk(version) == "f: unknown version of the NumPy format; expected 1.0, 2.0 or 3.0, got 4.0");
    CHECK(verdict_on_disk(file_of(with("<f4", ">f4"))) ==
          "f: npy header byte 15; expected the type '<f4' or '<f8', got another");
    CHECK(verdict_on_disk(file_of(valid, 7)) ==
          "f: the size of the NumPy file does not fit its header; expected 70 + 2 x 3 x 4 bytes, got 98");
    CHECK(verdict_on_disk(file_of(with("2, 3", "-2, 3"))) ==
          "f: npy header byte 51; expected an extent from 0 to 2^63 - 1, got '-'");
    CHECK(verdict_on_disk(file_of(with("2, 3", "1, 2, 3"))) ==
          "f: npy header byte 57; expected a shape of two extents, got '3'");
    CHECK(verdict_on_disk(file_of(std::string(9'991, ' '))) ==
          "f: the NumPy header is too long or cut short; expected at most 9990 bytes inside the file, got 9991");
}

TEST_CASE("npy headers that are not of a float matrix are io_errors", "[io]") {
    for (const std::string_view dictionary : {
             "",
             "{",
             "{}",
             "{'descr': '<f4', 'fortran_order': False}",
             "{'descr': '<f4', 'shape': (2, 3)}",
             "{'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} x",
             "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
             "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '|u1', 'fortran_order': False, 'shape': (4, 6)}",
             "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': false, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (6,)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': ()}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 3]}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3L)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (+2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2.0, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (02, 3)}",
             "{'descr': '<f4' 'fortran_order': False 'shape': (2, 3)}",
             "{'descr': '<f4\", 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3),,}",
             "'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
         }) {
        CAPTURE(dictionary);
        CHECK_FALSE(accepts(dictionary));
    }
}

TEST_CASE("corruption: every truncation and every header byte of an npy file", "[io]") {
    const std::string file = file_of(valid);
    for (std::size_t size = 0; size < file.size(); ++size) {
        CHECK(verdict_on_disk(file.substr(0, size)) != "accepted");
    }
    CHECK(verdict(file + "x") != "accepted");
    int accepted = 0;
    for (std::size_t at = 0; at < 10 + valid.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
            std::string changed = file;
            changed[at] = static_cast<char>(value);
            accepted += changed != file && verdict(changed) == "accepted" ? 1 : 0;
        }
    }
    // White space for white space or the last comma, and nothing else: 8 places with 3 others each, the comma with 4.
    CHECK(accepted == 8 * 3 + 4);
}

TEST_CASE("corruption: npy header lengths and extents at extremes", "[io]") {
    const std::string file = file_of(valid);
    for (const unsigned length : {0u, 1u, 59u, 61u, 9989u, 9990u, 9991u, 0x7fffu, 0x8000u, 0xffffu}) {
        std::string changed = file;
        changed[8] = static_cast<char>(length & 255);
        changed[9] = static_cast<char>(length >> 8);
        CHECK(verdict_on_disk(changed) != "accepted");
    }
    for (const std::uint32_t length : {0u, 58u, 0x10000u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
        std::string changed = file;
        changed[6] = 2;
        std::memcpy(changed.data() + 8, &length, 4);
        CHECK(verdict_on_disk(changed) != "accepted");
    }
    constexpr std::string_view extremes[] = {"0",
                                             "1",
                                             "2",
                                             "3",
                                             "6",
                                             "2147483648",
                                             "4294967296",
                                             "4611686018427387904",
                                             "9223372036854775807",
                                             "9223372036854775808",
                                             "18446744073709551616",
                                             "-1"};
    int accepted = 0;
    for (const std::string_view rows : extremes) {
        for (const std::string_view columns : extremes) {
            accepted += accepts(
                ddpm::detail::text("{'descr': '<f4', 'fortran_order': False, 'shape': (", rows, ", ", columns, ")}"));
        }
    }
    CHECK(accepted == 4);  // 1 x 6, 2 x 3, 3 x 2, 6 x 1
}

}  // namespace
}  // namespace ddpm::test
