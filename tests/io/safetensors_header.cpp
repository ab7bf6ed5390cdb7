// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/safetensors_header.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cstring>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using io::dtype;
using io::parse_safetensors;
using io::safetensors_header;

std::string file_of(std::uint64_t header_length, std::string_view rest) {
    std::string file(8, '\0');
    std::memcpy(file.data(), &header_length, 8);
    return file.append(rest);
}

std::string file_of(std::string_view header, std::size_t data_size) {
    return file_of(header.size(), std::string(header) + std::string(data_size, 'd'));
}

/// What parsing says: "accepted" or the error, and never anything but an io_error; no allocation much beyond the file.
std::string verdict(const std::string& file) {
    largest_allocation = 0;
    std::string result = "accepted";
    try {
        static_cast<void>(parse_safetensors(io::detail::bytes_of(file), "f").tensors.size());
    } catch (const io_error& e) {
        result = e.what();
    }
    if (largest_allocation > file.size() + 4096) {
        FAIL("allocated " << largest_allocation << " bytes at once for a file of " << file.size());
    }
    return result;
}

std::string verdict(std::string_view header, std::size_t data_size) { return verdict(file_of(header, data_size)); }

bool accepts(std::string_view header, std::size_t data_size) { return verdict(header, data_size) == "accepted"; }

/// The rules once more, on another JSON library and in another way: counts how often each byte of the data is covered.
bool reference_accepts(const std::string& file) {
    using peer = nlohmann::json;
    std::uint64_t length = 0;
    if (file.size() < 8) {
        return false;
    }
    std::memcpy(&length, file.data(), 8);
    if (length > 100'000'000 || length > file.size() - 8) {
        return false;
    }
    const std::string text = file.substr(8, static_cast<std::size_t>(length));
    if (text.find('\0') != text.npos || text.starts_with("\xef\xbb\xbf") || !peer::accept(text)) {
        return false;
    }
    bool strict = true;
    std::vector<std::set<std::string>> keys;
    const auto watch = [&](int, peer::parse_event_t event, peer& token) {
        if (event == peer::parse_event_t::object_start || event == peer::parse_event_t::array_start) {
            keys.emplace_back();
            strict = strict && keys.size() <= 8;
        } else if (event == peer::parse_event_t::object_end || event == peer::parse_event_t::array_end) {
            keys.pop_back();
        } else if (event == peer::parse_event_t::key) {
            strict = strict && keys.back().insert(token.get<std::string>()).second;
        }
        return true;
    };
    const peer header = peer::parse(text, watch);
    if (!strict || !header.is_object()) {
        return false;
    }
    const std::uint64_t data_size = file.size() - 8 - length;
    std::vector<int> covered(static_cast<std::size_t>(data_size), 0);
    std::set<std::uint64_t> ends{0};
    std::vector<std::uint64_t> begins;
    for (const auto& [name, tensor] : header.items()) {
        if (name == "__metadata__") {
            if (!tensor.is_null() && !tensor.is_object()) {
                return false;
            }
            for (const auto& entry : tensor) {
                if (!entry.is_string()) {
                    return false;
                }
            }
            continue;
        }
        if (!tensor.is_object() || name.size() > 4096 || !tensor.contains("dtype") || !tensor.contains("shape") ||
            !tensor.contains("data_offsets")) {
            return false;
        }
        const peer& type = tensor["dtype"];
        const peer& shape = tensor["shape"];
        const peer& offsets = tensor["data_offsets"];
        if (!type.is_string() || !io::dtype_named(type.get<std::string>()) || !shape.is_array() || shape.size() > 8 ||
            !offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
            !offsets[1].is_number_unsigned()) {
            return false;
        }
        long double elements = 1;
        bool empty = false;
        for (const peer& extent : shape) {
            if (!extent.is_number_unsigned()) {
                return false;
            }
            const auto value = extent.get<std::uint64_t>();
            empty = empty || value == 0;
            elements *= value == 0 ? 1 : static_cast<long double>(value);
        }
        if (elements >= 0x1p63L ||
            elements * static_cast<long double>(io::bits(*io::dtype_named(type.get<std::string>()))) >= 0x1p64L) {
            return false;
        }
        const auto size_in_bits =
            empty ? 0 : static_cast<std::uint64_t>(elements) * io::bits(*io::dtype_named(type.get<std::string>()));
        const auto begin = offsets[0].get<std::uint64_t>();
        const auto end = offsets[1].get<std::uint64_t>();
        if (begin > end || end > data_size || size_in_bits % 8 != 0 || size_in_bits / 8 != end - begin) {
            return false;
        }
        for (std::uint64_t i = begin; i < end; ++i) {
            ++covered[static_cast<std::size_t>(i)];
        }
        begins.push_back(begin);
        if (begin < end) {
            ends.insert(end);
        }
    }
    for (const int times : covered) {
        if (times != 1) {
            return false;
        }
    }
    for (const std::uint64_t begin : begins) {
        if (!ends.contains(begin)) {
            return false;
        }
    }
    return true;
}

const std::string three_tensors =
    R"({"__metadata__":{"format":"pt","k":"v"},"a.weight":{"dtype":"F64","shape":[2,3],"data_offsets":[0,48]},)"
    R"("b":{"dtype":"F32","shape":[4],"data_offsets":[48,64]},"c":{"dtype":"U8","shape":[],"data_offsets":[64,65]}})";

TEST_CASE("a safetensors header is read", "[io]") {
    const std::string file = file_of(three_tensors, 65);
    const safetensors_header header = parse_safetensors(io::detail::bytes_of(file), "f");
    CHECK(header.data_start == 8 + three_tensors.size());
    CHECK(header.metadata.at("format") == "pt");
    CHECK(header.metadata.at("k") == "v");
    REQUIRE(header.tensors.size() == 3);
    const io::tensor_info& a = header.tensors.at("a.weight");
    CHECK(a.type == dtype::f64);
    CHECK(a.shape == std::vector<ddpm::isize>{2, 3});
    CHECK(a.begin == 0);
    CHECK(a.end == 48);
    CHECK(a.size() == 6);
    CHECK(header.tensors.at("c").shape.empty());
    CHECK(header.tensors.at("c").size() == 1);
    CHECK(reference_accepts(file));
}

TEST_CASE("what the safetensors format allows is accepted", "[io]") {
    CHECK(accepts("{}", 0));
    CHECK(accepts("  {} \n", 0));
    CHECK(accepts(R"({"__metadata__":null})", 0));
    CHECK(accepts(R"({"__metadata__":{}})", 0));
    CHECK(accepts(R"({"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1));
    CHECK(accepts(R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", 0));
    CHECK(accepts(R"({"a":{"dtype":"F32","shape":[0,4294967296],"data_offsets":[0,0]}})", 0));
    CHECK(accepts(
        R"({"a":{"data_offsets":[0,4],"extra":[{"x":[1.5e3,null]}],"shape":[1,1,1,1,1,1,1,1],"dtype":"I32"}})", 4));
    CHECK(accepts(
        R"({"z":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"e":{"dtype":"F32","shape":[0],"data_offsets":[1,1]},)"
        R"("f":{"dtype":"U8","shape":[0],"data_offsets":[3,3]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
        3));
    CHECK(accepts(R"({"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}})", 1));
    CHECK(accepts(R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}})", 3));
    for (int type = 0; type < 22; ++type) {
        const auto element = static_cast<dtype>(type);
        const std::size_t bytes = static_cast<std::size_t>(io::bits(element));  // of eight elements
        CHECK(accepts(ddpm::detail::text(R"({"a":{"dtype":")", io::name(element), R"(","shape":[8],"data_offsets":[0,)",
                                         bytes, "]}}"),
                      bytes));
    }
    CHECK(accepts(
        ddpm::detail::text("{\"", std::string(4096, 'n'), R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})"), 1));
}

TEST_CASE("a safetensors error names the rule, the tensor and both values", "[io]") {
    const auto tensor = [](std::string_view body) { return ddpm::detail::text(R"({"w":{)", body, "}}"); };
    const auto three = [&](std::string_view from, std::string_view to) {
        std::string text = three_tensors;
        return text.replace(text.find(from), from.size(), to);
    };
    CHECK(verdict("1234567") == "f: too short for a safetensors file; expected at least 8 bytes, got 7");
    CHECK(verdict(file_of(100'000'001, "{}")) ==
          "f: safetensors header too long; expected at most 100000000 bytes, got 100000001");
    CHECK(verdict(file_of(3, "{}")) ==
          "f: safetensors header reaches past the end of the file; expected at most 2 bytes, got 3");
    CHECK(verdict("{\"\xff\":1}", 0) == "f: JSON byte 2; expected UTF-8, got byte 0xff");
    CHECK(verdict("[]", 0) == "f: JSON byte 0; expected an object, got '['");
    CHECK(verdict("", 0) == "f: JSON byte 0; expected a value, got the end of the text");
    CHECK(verdict("{}x", 0) == "f: JSON byte 2; expected the end of the text, got 'x'");
    CHECK(verdict(tensor(R"("shape":[1],"data_offsets":[0,1])"), 1) ==
          "f: tensor \"w\" lacks a member; expected dtype, shape and data_offsets, got no dtype");
    CHECK(verdict(tensor(R"("dtype":"U8","data_offsets":[0,1])"), 1) ==
          "f: tensor \"w\" lacks a member; expected dtype, shape and data_offsets, got no shape");
    CHECK(verdict(tensor(R"("dtype":"U8","shape":[1])"), 1) ==
          "f: tensor \"w\" lacks a member; expected dtype, shape and data_offsets, got no data_offsets");
    CHECK(verdict(tensor(R"("dtype":"U9","shape":[1],"data_offsets":[0,1])"), 1) ==
          "f: tensor \"w\" has an unknown type; expected a dtype of the format, got \"U9\"");
    CHECK(verdict(tensor(R"("dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1])"), 1) ==
          "f: JSON byte 44; expected at most 8 dimensions, got one more");
    CHECK(verdict(tensor(R"("dtype":"U8","shape":[-1],"data_offsets":[0,1])"), 1) ==
          "f: JSON byte 28; expected an unsigned 64-bit integer, got -1");
    CHECK(verdict(tensor(R"("dtype":"U8","shape":[1],"data_offsets":[0])"), 1) ==
          "f: JSON byte 49; expected two offsets, got 1");
    CHECK(verdict(tensor(R"("dtype":"U8","shape":[1],"data_offsets":[0,1,1])"), 1) ==
          "f: JSON byte 51; expected two offsets, got one more");
    CHECK(verdict(tensor(R"("dtype":"U8","shape":[2,4611686018427387904],"data_offsets":[0,1])"), 1) ==
          "f: tensor \"w\" has an impossible size; expected a whole number of bytes below 2^63, got U8 [2, "
          "4611686018427387904]");
    CHECK(verdict(tensor(R"("dtype":"F4","shape":[3],"data_offsets":[0,1])"), 1) ==
          "f: tensor \"w\" has an impossible size; expected a whole number of bytes below 2^63, got F4 [3]");
    CHECK(verdict(tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])"), 4) ==
          "f: tensor \"w\" has a shape that does not fit its offsets; expected 8 bytes for F32 [2], got 4");
    CHECK(verdict(tensor(R"("dtype":"U8","shape":[1],"data_offsets":[1,2])"), 2) ==
          "f: tensor \"w\" leaves a hole before it; expected begin 0, got 1");
    CHECK(verdict(three("[48,64]", "[47,63]"), 65) ==
          "f: tensor \"b\" overlaps the one before it; expected begin 48, got 47");
    CHECK(verdict(three("[48,64]", "[48,40]"), 65) ==
          "f: tensor \"b\" ends before it begins; expected end >= 48, got 40");
    CHECK(verdict(three_tensors, 64) == "f: the data is truncated; expected 65 bytes after the header, got 64");
    CHECK(verdict(three_tensors, 69) ==
          "f: 4 surplus bytes after the last tensor; expected 65 bytes after the header, got 69");
    CHECK(verdict("{}", 1) == "f: 1 surplus bytes after the last tensor; expected 0 bytes after the header, got 1");
    CHECK(verdict(ddpm::detail::text("{\"", std::string(4097, 'n'),
                                     R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})"),
                  1) == "f: JSON byte 4101; expected a name of at most 4096 bytes, got 4097");
}

TEST_CASE("safetensors metadata holds texts only", "[io]") {
    for (const std::string_view bad : {"1", "\"x\"", "[]", "true", R"({"a":1})", R"({"a":null})", R"({"a":{}})",
                                       R"({"a":["b"]})", R"({"a":"1","a":"1"})"}) {
        CAPTURE(bad);
        CHECK_FALSE(accepts(ddpm::detail::text(R"({"__metadata__":)", bad, "}"), 0));
    }
    CHECK_FALSE(accepts(R"({"__metadata__":{},"__metadata__":{}})", 0));
}

TEST_CASE("safetensors: a tensor or a member twice is refused", "[io]") {
    const std::string_view a = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
    const std::string_view same = R"("\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
    const std::string_view next = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]})";
    CHECK(accepts(ddpm::detail::text("{", a, "}"), 1));
    CHECK_FALSE(accepts(ddpm::detail::text("{", a, ",", a, "}"), 1));
    CHECK_FALSE(accepts(ddpm::detail::text("{", a, ",", same, "}"), 1));
    CHECK_FALSE(accepts(ddpm::detail::text("{", a, ",", next, "}"), 2));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{"y":1,"y":1}}})", 1));
}

TEST_CASE("safetensors: forms that only some readers take are refused", "[io]") {
    CHECK_FALSE(accepts(R"({"a":["U8",[1],[0,1]]})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":{"U8":null},"shape":[1],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"u8","shape":[1],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":4,"shape":[1],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":1,"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":{"0":1},"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[[1]],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":null,"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":{"b":0,"e":1}}})", 1));
    CHECK_FALSE(accepts(R"({"a":null})", 0));
    CHECK_FALSE(accepts("\xef\xbb\xbf{}", 0));
    CHECK_FALSE(accepts("{}{}", 0));
    CHECK_FALSE(accepts(std::string_view("{}\0", 3), 0));
}

TEST_CASE("safetensors: products that wrap are refused, a zero or not", "[io]") {
    for (const std::string_view shape :
         {"[4294967296,4294967296]", "[4294967296,4294967296,0]", "[0,4294967296,4294967296]", "[9223372036854775808]",
          "[18446744073709551615]", "[18446744073709551615,0]", "[0,9223372036854775808]", "[2305843009213693952]",
          "[65536,65536,65536,65536]", "[3,6148914691236517206]", "[2147483648,2147483648,4]",
          "[1152921504606846976,16]"}) {
        CAPTURE(shape);
        CHECK_FALSE(
            accepts(ddpm::detail::text(R"({"a":{"dtype":"F64","shape":)", shape, R"(,"data_offsets":[0,0]}})"), 0));
    }
}

/// Requires that parser and reference agree; counts.
void compare(const std::string& file, int& cases, int& accepted) {
    const std::string got = verdict(file);
    const bool expected = reference_accepts(file);
    ++cases;
    accepted += expected ? 1 : 0;
    if ((got == "accepted") != expected) {
        CAPTURE(file, got);
        REQUIRE(expected == (got == "accepted"));
    }
}

TEST_CASE("corruption: every truncation of a safetensors file is an io_error", "[io]") {
    const std::string file = file_of(three_tensors, 65);
    for (std::size_t size = 0; size < file.size(); ++size) {
        if (verdict(file.substr(0, size)) == "accepted") {
            FAIL("accepted " << size << " bytes");
        }
    }
    for (std::size_t surplus = 1; surplus < 70; ++surplus) {
        if (verdict(file + std::string(surplus, 'x')) == "accepted") {
            FAIL("accepted " << surplus << " surplus bytes");
        }
    }
}

TEST_CASE("corruption: every value of every byte of a safetensors header", "[io]") {
    const std::string file = file_of(three_tensors, 65);
    int cases = 0;
    int accepted = 0;
    for (std::size_t at = 0; at < 8 + three_tensors.size(); ++at) {
        for (int value = 0; value < 256; ++value) {
            std::string changed = file;
            changed[at] = static_cast<char>(value);
            compare(changed, cases, accepted);
        }
    }
    CHECK(cases == static_cast<int>(256 * (8 + three_tensors.size())));
    // A changed name, type of the same size or metadata text is another valid file; nothing else is.
    CHECK(accepted < cases / 20);
    CHECK(accepted > 0);
}

TEST_CASE("corruption: every deleted or inserted character of a safetensors header", "[io]") {
    int cases = 0;
    int accepted = 0;
    for (std::size_t at = 0; at <= three_tensors.size(); ++at) {
        for (const std::string_view token :
             {"0", "1", "-", ".", "e", "[", "]", "{", "}", ",", ":", "\"", "\\", " ", "\xff", "null"}) {
            compare(file_of(std::string(three_tensors).insert(at, token), 65), cases, accepted);
        }
        for (std::size_t length = 1; length <= 60; ++length) {
            compare(file_of(std::string(three_tensors).erase(at, length), 65), cases, accepted);
        }
    }
    CHECK(cases > 15'000);
    CHECK(accepted < cases / 10);
}

TEST_CASE("corruption: every number of a safetensors header at extremes", "[io]") {
    constexpr std::string_view extremes[] = {
        "0",
        "1",
        "2",
        "3",
        "4",
        "47",
        "48",
        "49",
        "64",
        "65",
        "66",
        "2147483647",
        "2147483648",
        "4294967295",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "-0",
        "-9223372036854775808",
        "1.0",
        "1e0",
        "0.5",
        "1e400",
        "true",
        "null",
        "\"1\"",
        "[]",
        "[1]",
        "{}",
        "",
        "01",
        "+1",
        "0x1",
    };
    std::vector<std::pair<std::size_t, std::size_t>> numbers;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (std::size_t at = three_tensors.find("a.weight"); at < three_tensors.size(); ++at) {
        if (is_digit(three_tensors[at]) && (three_tensors[at - 1] == '[' || three_tensors[at - 1] == ',')) {
            std::size_t end = at;
            while (is_digit(three_tensors[end])) {
                ++end;
            }
            numbers.emplace_back(at, end - at);
        }
    }
    REQUIRE(numbers.size() == 9);
    int cases = 0;
    int accepted = 0;
    for (std::size_t first = 0; first < numbers.size(); ++first) {
        for (std::size_t second = first; second < numbers.size(); ++second) {
            for (const std::string_view x : extremes) {
                for (const std::string_view y : extremes) {
                    std::string text = three_tensors;
                    text.replace(numbers[second].first, numbers[second].second, y);
                    if (first != second) {
                        text.replace(numbers[first].first, numbers[first].second, x);
                    }
                    compare(file_of(text, 65), cases, accepted);
                }
            }
        }
    }
    CHECK(cases == 45 * 36 * 36);
    CHECK(accepted > 0);
    CHECK(accepted < cases / 100);
}

TEST_CASE("corruption: every header length at extremes", "[io]") {
    const std::string rest = three_tensors + std::string(65, 'd');
    int cases = 0;
    int accepted = 0;
    for (const std::uint64_t base : {std::uint64_t{0}, std::uint64_t{three_tensors.size()}, std::uint64_t{rest.size()},
                                     std::uint64_t{100'000'000}, std::uint64_t{1} << 31, std::uint64_t{1} << 32,
                                     std::uint64_t{1} << 63, std::numeric_limits<std::uint64_t>::max() - 8}) {
        for (std::uint64_t offset = 0; offset < 32; ++offset) {
            compare(file_of(base + offset - 16, rest), cases, accepted);
        }
    }
    CHECK(accepted == 1);
}

TEST_CASE("corruption: tensors that overlap, leave holes, are swapped or empty", "[io]") {
    // Every placing of three tensors of one byte, two bytes and none in a data buffer of three bytes.
    int cases = 0;
    int accepted = 0;
    for (int a = 0; a < 5; ++a) {
        for (int b = 0; b < 5; ++b) {
            for (int c = 0; c < 5; ++c) {
                for (std::size_t data_size = 0; data_size < 6; ++data_size) {
                    compare(file_of(ddpm::detail::text(
                                        R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[)", a, ",", a + 1,
                                        R"(]},"b":{"dtype":"U8","shape":[2],"data_offsets":[)", b, ",", b + 2,
                                        R"(]},"c":{"dtype":"F64","shape":[0],"data_offsets":[)", c, ",", c, "]}}"),
                                    data_size),
                            cases, accepted);
                }
            }
        }
    }
    CHECK(cases == 750);
    CHECK(accepted == 6);  // both orders of a and b, times three boundaries for the empty one
}

TEST_CASE("corruption: hostile nesting and sizes of JSON", "[io]") {
    const std::size_t deep = 100'000;
    CHECK_FALSE(accepts(std::string(deep, '['), 0));
    CHECK_FALSE(accepts(std::string(deep, '{'), 0));
    CHECK_FALSE(accepts(R"({"a":{"x":)" + std::string(deep, '[') + std::string(deep, ']') + "}}", 0));
    std::string objects;
    for (std::size_t i = 0; i < deep; ++i) {
        objects += R"({"a":)";
    }
    CHECK_FALSE(accepts(objects, 0));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[)" + std::string(deep, '1') + R"(],"data_offsets":[0,1]}})", 1));
    std::string many_extents = "1";
    for (std::size_t i = 0; i < deep; ++i) {
        many_extents += ",1";
    }
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[)" + many_extents + R"(],"data_offsets":[0,1]}})", 1));
    CHECK_FALSE(accepts(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[)" + many_extents + "]}}", 1));
    std::string many_keys = R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":{)";
    for (std::size_t i = 0; i < deep; ++i) {
        many_keys += ddpm::detail::text("\"", i, "\":0,");
    }
    CHECK(accepts(many_keys + R"("z":0}}})", 1));
    CHECK_FALSE(accepts(many_keys + R"("5":0}}})", 1));
    CHECK(accepts(R"({"__metadata__":{"long":")" + std::string(deep, 'x') + "\"}}", 0));
}

TEST_CASE("a safetensors header takes a few times its size of memory", "[io]") {
    const auto peak_of = [](const std::string& text, std::size_t data) {
        const std::string bytes = file_of(text, data);
        peak_bytes = live_bytes.load();
        const std::ptrdiff_t before = peak_bytes;
        static_cast<void>(io::parse_safetensors(std::as_bytes(std::span(bytes)), "f"));
        return static_cast<double>(peak_bytes - before) / static_cast<double>(text.size());
    };
    std::string tensors = "{", metadata = R"({"__metadata__":{)", dropped = R"({"a":{"x":{)";
    constexpr int many = 20'000;
    for (int i = 0; i < many; ++i) {
        const std::string key = ddpm::detail::text("\"", i, "\":");
        tensors += key + ddpm::detail::text(R"({"dtype":"U8","shape":[],"data_offsets":[)", i, ",", i + 1, "]},");
        metadata += key + "\"\",";
        dropped += key + "0,";
    }
    tensors.back() = metadata.back() = dropped.back() = '}';
    CHECK(peak_of(tensors, many) < 5);
    CHECK(peak_of(metadata + "}", 0) < 20);  // of 100,000 entries at most
    CHECK(peak_of(dropped + R"(,"dtype":"U8","shape":[0],"data_offsets":[0,0]}})", 0) < 12);
}

TEST_CASE("a safetensors header has so many texts and members, and no more", "[io][slow]") {
    const auto header_of = [](std::size_t texts) {
        std::string text = R"({"__metadata__":{)";
        for (std::size_t i = 0; i < texts; ++i) {
            text += ddpm::detail::text("\"", i, "\":\"\",");
        }
        text.back() = '}';
        return text + "}";
    };
    CHECK(accepts(header_of(100'000), 0));
    CHECK_FALSE(accepts(header_of(100'001), 0));
    std::string members = R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":{)";
    for (int i = 0; i < 4'999'995; ++i) {
        members += ddpm::detail::text("\"", i, "\":0,");
    }
    members.back() = '}';
    CHECK(accepts(members + "}}", 0));
    CHECK_FALSE(accepts(members + R"(,"y":0}})", 0));
}

TEST_CASE("a safetensors header takes many tensors, up to its limit", "[io][slow]") {
    const auto header_of = [](std::size_t count) {
        std::string text = "{";
        for (std::size_t i = 0; i < count; ++i) {
            text += ddpm::detail::text(i == 0 ? "" : ",", "\"", i, R"(":{"dtype":"U8","shape":[1],"data_offsets":[)", i,
                                       ",", i + 1, "]}");
        }
        return text + "}";
    };
    CHECK(accepts(header_of(1'000'000), 1'000'000));
    CHECK_FALSE(accepts(header_of(1'000'001), 1'000'001));
}

}  // namespace
}  // namespace ddpm::test
