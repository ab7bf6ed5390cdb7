// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/safetensors_header.hpp>

#include "io/safetensors_rules.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <limits>
#include <string>
#include <vector>

namespace ddpm::test {
namespace {

using io::dtype;
using io::parse_safetensors;
using io::safetensors_header;

std::string file_of(std::string_view header, std::size_t data_size) {
    return safetensors_text(header.size(), std::string(header) + std::string(data_size, 'd'));
}

/// What parsing says: "accepted" or the error, and never anything but an io_error; no allocation much beyond the file.
std::string verdict(const std::string& file) {
    largest_allocation = 0;
    std::string result = "accepted";
    try {
        static_cast<void>(parse_safetensors(ddpm::detail::bytes_of(file), "f").tensors.size());
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

TEST_CASE("a safetensors header is read", "[io]") {
    const std::string file = file_of(three_tensors, 65);
    const safetensors_header header = parse_safetensors(ddpm::detail::bytes_of(file), "f");
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
    CHECK(read_by_rules(file).has_value());
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
        CHECK(accepts(ddpm::detail::text(R"({"a":{"dtype":")", io::name_of(element),
                                         R"(","shape":[8],"data_offsets":[0,)", bytes, "]}}"),
                      bytes));
    }
    CHECK(accepts(
        ddpm::detail::text("{\"", std::string(4096, 'n'), R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})"), 1));
}

TEST_CASE("a safetensors error names the rule, the tensor and both values", "[io]") {
    const auto tensor = [](std::string_view body) { return ddpm::detail::text(R"({"w":{)", body, "}}"); };
    const auto three = [&](std::string_view from, std::string_view to) {
        std::string text(three_tensors);
        return text.replace(text.find(from), from.size(), to);
    };
    CHECK(verdict("1234567") == "f: too short for a safetensors file; expected at least 8 bytes, got 7");
    CHECK(verdict(safetensors_text(100'000'001, "{}")) ==
          "f: safetensors header too long; expected at most 100000000 bytes, got 100000001");
    CHECK(verdict(safetensors_text(3, "{}")) ==
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

TEST_CASE("a safetensors header takes a few times its size of memory", "[io]") {
    const auto peak_of = [](const std::string& text, std::size_t data) {
        const std::string bytes = file_of(text, data);
        peak_bytes = live_bytes.load();
        const std::ptrdiff_t before = peak_bytes;
        static_cast<void>(io::parse_safetensors(std::as_bytes(std::span(bytes)), "f"));
        return static_cast<double>(peak_bytes - before);
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
    metadata += "}";
    dropped += R"(,"dtype":"U8","shape":[0],"data_offsets":[0,0]}})";
    const auto five_times = [](const std::string& text) { return 5 * static_cast<double>(text.size()); };
    CHECK(peak_of(tensors, many) < five_times(tensors));
    CHECK(peak_of(metadata, 0) < five_times(metadata) + 160 * many);
    CHECK(peak_of(dropped, 0) < five_times(dropped) + 80 * many);
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
