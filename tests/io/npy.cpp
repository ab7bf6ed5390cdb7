// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/npy.hpp>

#include "io/reading_verdict.hpp"
#include "support/allocations.hpp"  // so that it is left out on Windows, see emulated.cmake
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
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

std::string verdict(const std::string& content) {
    return reading_verdict([&] { return io::parse_npy<float>(ddpm::detail::bytes_of(content), "f"); });
}

/// The same of a file, which must be the same.
std::string verdict_on_disk(const std::string& content) {
    static const temporary_folder folder;
    const std::string path = folder / "f";
    write_text(path, content);
    std::string message = reading_verdict([&] { return io::read_npy<float>(path); });
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
    CHECK((io::parse_npy<other>(ddpm::detail::bytes_of(read_text(path)), "f") == samples.template cast<other>()).all());

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
    const batch<float> rows = io::parse_npy<float>(ddpm::detail::bytes_of(file_of(valid)), "f");
    CHECK((rows == batch<float>{{1, 4}, {2, 5}, {3, 6}}).all());
    const std::string fortran = file_of("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}");
    CHECK((io::parse_npy<float>(ddpm::detail::bytes_of(fortran), "f") == batch<float>{{1, 2}, {3, 4}, {5, 6}}).all());
    CHECK((io::parse_npy<double>(ddpm::detail::bytes_of(fortran), "f") == batch<double>{{1, 2}, {3, 4}, {5, 6}}).all());
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
    CHECK(verdict_on_disk("") == "f: not a NumPy file; expected the bytes 93 'NUMPY' and a header, got an empty file");
    CHECK(verdict_on_disk("something") ==
          "f: not a NumPy file; expected the bytes 93 'NUMPY' and a header, got something else");
    CHECK(verdict_on_disk(file_of(valid).substr(0, 11)) ==
          "f: the NumPy header is cut short; expected at least 12 bytes, got 11");
    std::string version = file_of(valid);
    version[6] = 4;
    CHECK(verdict_on_disk(version) == "f: unknown version of the NumPy format; expected 1.0, 2.0 or 3.0, got 4.0");
    const std::string numbers =
        "f: npy header byte 15; expected truth values, integers or floating-point numbers of at most 8 bytes, got ";
    CHECK(verdict_on_disk(file_of(with("<f4", "<c8"))) == numbers + "\"<c8\" (complex numbers)");
    CHECK(verdict_on_disk(file_of(with("<f4", "|O"))) ==
          "f: npy header byte 14" + numbers.substr(21) + "\"|O\" (Python objects)");
    CHECK(verdict_on_disk(file_of(with("<f4", "<f16"))) ==
          "f: npy header byte 16" + numbers.substr(21) + "\"<f16\" (floating-point numbers)");
    CHECK(verdict_on_disk(file_of(with("'<f4'", "[('a', '<f4')]"))) ==
          "f: npy header byte 10" + numbers.substr(21) + "a structured type");
    CHECK(verdict_on_disk(file_of(valid, 7)) ==
          "f: the size of the NumPy file does not fit its header; expected 70 bytes and (2, 3) x 4 bytes, got 98");
    CHECK(verdict_on_disk(file_of(with("2, 3", "-2, 3"))) ==
          "f: npy header byte 51; expected an extent from 0 to 2^63 - 1, got '-'");
    CHECK(verdict_on_disk(file_of(with("2, 3", "6"))) ==
          "f: npy header byte 52; expected a comma after the only extent, got ')'");
    CHECK(verdict_on_disk(file_of(with("(2, 3)", "()"))) ==
          "f: npy header byte 52; expected a shape of at least one extent, got none: a single number");
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
             "{'descr': '|f4', 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<b4', 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f1', 'fortran_order': False, 'shape': (4, 6)}",
             "{'descr': '<U1', 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '', 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': false, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (6)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3,,)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (,)}",
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

/// Six numbers, as another reader would take them from the data after the header of `valid`, one of whose bytes may have
/// changed.
std::vector<double> numbers_of(const std::string& file) {
    const std::size_t descr = 10 + valid.find("<f4");
    std::vector<double> numbers;
    for (std::size_t i = 0; i < 6; ++i) {
        std::string bytes = file.substr(10 + valid.size() + 4 * i, 4);
        if (file[descr] == '>') {
            std::reverse(bytes.begin(), bytes.end());
        }
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data(), 4);
        numbers.push_back(file[descr + 1] == 'f'   ? static_cast<double>(std::bit_cast<float>(word))
                          : file[descr + 1] == 'i' ? static_cast<double>(static_cast<std::int32_t>(word))
                                                   : static_cast<double>(word));
    }
    return numbers;
}

TEST_CASE("a spoilt npy file is an io_error, or exactly the data", "[io]") {
    const std::string file = file_of(valid);
    int cases = 0;
    for (std::size_t size = 0; size < file.size(); ++size, ++cases) {
        CHECK(verdict_on_disk(file.substr(0, size)) != "accepted");
    }
    for (std::size_t surplus = 1; surplus < 50; ++surplus, ++cases) {
        CHECK(verdict_on_disk(file + std::string(surplus, 'x')) != "accepted");
    }
    const std::string large = file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1000, 250)}", 250'000);
    CHECK(verdict_on_disk(large) == "accepted");
    for (const std::string& spoilt : {large + "x", large.substr(0, large.size() - 1)}) {
        CHECK(verdict_on_disk(spoilt) != "accepted");
        ++cases;
    }
    int accepted = 0;
    for (std::size_t at = 0; at < 10 + valid.size(); ++at) {
        for (int flip = 1; flip < 256; ++flip, ++cases) {
            std::string changed = file;
            changed[at] = static_cast<char>(changed[at] ^ flip);
            if (verdict(changed) == "accepted") {
                ++accepted;
                const auto read = io::parse_npy<double>(ddpm::detail::bytes_of(changed), "f");
                const std::vector<double> expected = numbers_of(changed);
                CHECK(std::equal(expected.begin(), expected.end(), read.data(), read.data() + read.size()));
            }
        }
    }
    // White space for white space or the last comma, another type of four bytes, and nothing else: 8 places with 3
    // others each, the comma with 4, '>' for '<', and 'i' or 'u' for 'f'.
    CHECK(accepted == 8 * 3 + 4 + 3);
    std::cout << "npy: " << cases << " cases, " << accepted << " exactly the data, the others errors" << std::endl;
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

/// A file of that type and shape whose data are the numbers' bytes, turned around if the order is '>'.
template <class T>
std::string array_of(std::string_view descr, bool fortran, std::string_view shape, const std::vector<T>& numbers) {
    std::string text =
        file_of(ddpm::detail::text("{'descr': '", descr, "', 'fortran_order': ", fortran ? "True" : "False",
                                   ", 'shape': ", shape, ", }"),
                0);
    for (const T number : numbers) {
        std::string bytes(reinterpret_cast<const char*>(&number), sizeof(T));
        if (descr[0] == '>') {
            std::reverse(bytes.begin(), bytes.end());
        }
        text += bytes;
    }
    return text;
}

template <class T>
void check_type(std::string_view kind, const std::vector<T>& numbers) {
    for (const char order : {'<', '>'}) {
        const std::string descr = (sizeof(T) == 1 ? '|' : order) + std::string(kind);
        const std::string file = array_of(descr, false, "(1, 4)", numbers);
        CAPTURE(descr);
        const auto as_float = io::parse_npy<float>(ddpm::detail::bytes_of(file), "f");
        const auto as_double = io::parse_npy<double>(ddpm::detail::bytes_of(file), "f");
        REQUIRE(as_double.rows() == 4);
        for (ddpm::isize i = 0; i < 4; ++i) {
            CHECK(as_float(i, 0) == static_cast<float>(numbers[static_cast<std::size_t>(i)]));
            CHECK(as_double(i, 0) == static_cast<double>(numbers[static_cast<std::size_t>(i)]));
        }
    }
}

TEST_CASE("npy arrays of every type of number are read", "[io]") {
    check_type<std::uint8_t>("u1", {0, 1, 128, 255});
    check_type<std::int8_t>("i1", {-128, -1, 0, 127});
    check_type<std::uint16_t>("u2", {0, 1, 256, 65535});
    check_type<std::int16_t>("i2", {-32768, -1, 0, 32767});
    check_type<std::uint32_t>("u4", {0, 1, 1u << 24, 1u << 31});
    check_type<std::int32_t>("i4", {std::numeric_limits<std::int32_t>::min(), -1, 0, 1 << 24});
    check_type<std::uint64_t>("u8", {0, 1, 1ull << 24, 1ull << 63});
    check_type<std::int64_t>("i8", {std::numeric_limits<std::int64_t>::min(), -1, 0, 1ll << 24});
    check_type<float>("f4", {-1.5f, 0, 3e38f, 1e-45f});
    check_type<double>("f8", {-0.1, 0, 1e300, 1.0 / 3});
    const std::vector<std::uint16_t> halves{0x3c00, 0xc100, 0x7bff, 0x0001};
    for (const std::string_view descr : {"<f2", ">f2"}) {
        const std::string file = array_of(descr, false, "(1, 4)", halves);
        CHECK((io::parse_npy<float>(ddpm::detail::bytes_of(file), "f").col(0) ==
               Eigen::Array4f(1.0f, -2.5f, 65504.0f, 0x1p-24f))
                  .all());
    }
    const std::string truths = array_of<std::uint8_t>("|b1", false, "(1, 4)", {0, 1, 1, 0});
    CHECK((io::parse_npy<float>(ddpm::detail::bytes_of(truths), "f").col(0) == Eigen::Array4f(0, 1, 1, 0)).all());
}

TEST_CASE("an integer of an npy array is never rounded", "[io]") {
    const auto message = [](auto scalar, std::string_view descr, auto number) {
        const std::string file = array_of<decltype(number)>(descr, false, "(1, 2)", {1, number});
        return reading_verdict([&] { return io::parse_npy<decltype(scalar)>(ddpm::detail::bytes_of(file), "f"); });
    };
    CHECK(message(0.0f, "<i4", (std::int32_t{1} << 24) + 1) ==
          "f: element 1 of the array; expected an integer that float holds without rounding, got 16777217");
    CHECK(message(0.0, "<i4", (std::int32_t{1} << 24) + 1) == "accepted");
    CHECK(message(0.0f, ">i8", -(std::int64_t{1} << 40)) == "accepted");
    CHECK(message(0.0, ">i8", -(std::int64_t{1} << 53) - 1) ==
          "f: element 1 of the array; expected an integer that double holds without rounding, got -9007199254740993");
    CHECK(message(0.0, "<u8", std::numeric_limits<std::uint64_t>::max()) != "accepted");
    CHECK(message(0.0, "<i8", std::numeric_limits<std::int64_t>::max()) != "accepted");
}

TEST_CASE("the first extent of an npy array is the samples, the others are an element's place", "[io]") {
    std::vector<float> numbers(24);
    std::iota(numbers.begin(), numbers.end(), 0.0f);
    const auto read = [](const std::string& file) { return io::parse_npy<float>(ddpm::detail::bytes_of(file), "f"); };
    const auto images = read(array_of("<f4", false, "(2, 2, 3, 2)", numbers));
    REQUIRE(images.rows() == 12);
    REQUIRE(images.cols() == 2);
    CHECK((images.reshaped() == Eigen::Map<Eigen::ArrayXf>(numbers.data(), 24)).all());
    // In Fortran order the element (n, y, x, c) is number n + 2 (y + 2 (x + 3 c)).
    const auto fortran = read(array_of("<f4", true, "(2, 2, 3, 2)", numbers));
    for (int n = 0; n < 2; ++n) {
        for (int y = 0; y < 2; ++y) {
            for (int x = 0; x < 3; ++x) {
                for (int c = 0; c < 2; ++c) {
                    CHECK(fortran((y * 3 + x) * 2 + c, n) == static_cast<float>(n + 2 * (y + 2 * (x + 3 * c))));
                }
            }
        }
    }
    for (const bool order : {false, true}) {
        const auto one = read(array_of("<f4", order, "(24,)", numbers));
        CHECK(one.rows() == 24);
        CHECK(one.cols() == 1);
        CHECK(one(5, 0) == 5);
    }
    CHECK(read(array_of<float>("<f4", true, "(2, 0, 3)", {})).rows() == 0);
    CHECK(read(array_of<float>("<f4", true, "(0, 2, 3)", {})).rows() == 6);
    CHECK(read(array_of<float>("<f4", false, "(0, 2, 3)", {})).cols() == 0);
    CHECK(verdict(array_of<float>("<f4", false, "(0, 4294967296, 4294967296)", {})) != "accepted");
}

TEST_CASE("npy images are written and read in both orders of channels", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "images.npy";
    const sample_shape shape{2, 3, 2};
    const batch<float> images = batch<float>::Random(12, 5);
    for (const channel_order order : {channel_order::last, channel_order::first}) {
        io::write_npy(path, images, shape, order);
        const auto got = io::read_npy_images<float>(path, order);
        CHECK(got.shape == shape);
        CHECK((got.samples == images).all());
        const std::string extents = order == channel_order::last ? "(5, 2, 3, 2)" : "(5, 2, 2, 3)";
        CHECK(read_text(path).find(extents) != std::string::npos);
    }
    CHECK((nchw_to_batch(io::read_npy<float>(path), shape) == images).all());
    const batch<float> many = batch<float>::Random(12, 5000);  // more than are written at a time
    for (const channel_order order : {channel_order::last, channel_order::first}) {
        io::write_npy(path, many, shape, order);
        CHECK((io::read_npy_images<float>(path, order).samples == many).all());
    }
    io::write_npy(path, batch_view<const float>(many).middle_rows(1, 3));
    CHECK((io::read_npy<float>(path) == many.middleRows(1, 3)).all());
    write_text(path, array_of<std::uint8_t>("|u1", false, "(2, 1, 3)", {1, 2, 3, 4, 5, 255}));
    for (const channel_order order : {channel_order::last, channel_order::first}) {
        const auto grey = io::read_npy_images<double>(path, order);
        CHECK(grey.shape == sample_shape{1, 3, 1});
        CHECK(grey.samples(2, 1) == 255);
    }
    io::write_npy(path, images);
    CHECK_THROWS_AS(io::read_npy_images<float>(path), io_error);
    CHECK_THROWS_AS(io::write_npy(path, images, sample_shape{2, 3, 1}), shape_error);
    CHECK_THROWS_AS(io::write_npy(path, images, sample_shape{-2, -3, 2}), shape_error);
}

}  // namespace
}  // namespace ddpm::test
