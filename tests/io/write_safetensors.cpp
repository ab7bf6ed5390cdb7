// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/write_safetensors.hpp>

#include <ddpm/io/safetensors_file.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using io::dtype;
using io::tensor_source;

/// Collects what is written.
struct memory_sink {
    std::string content;
    void write(std::span<const std::byte> bytes) { content.append(io::detail::text_of(bytes)); }
};

std::string written(const std::vector<tensor_source>& tensors, const io::safetensors_metadata& metadata = {},
                    const io::safetensors_options& options = {}) {
    memory_sink sink;
    io::detail::write_safetensors_to(sink, tensors, metadata, options);
    return sink.content;
}

const std::vector<std::byte> zeros(64);

tensor_source of_zeros(std::string name, dtype type, std::vector<ddpm::isize> shape, std::size_t bytes) {
    return {std::move(name), type, std::move(shape), std::span(zeros).first(bytes)};
}

TEST_CASE("write_safetensors writes the bytes that the reference implementation writes", "[io]") {
    const std::vector<float> w{1, 2, 3, 4, 5, 6};
    const std::vector<double> s{0.5};
    const std::vector<std::int64_t> n{7, 8};
    const std::vector<std::uint8_t> u{1, 2, 3};
    const std::string got = written({{"u", {3}, std::span<const std::uint8_t>(u)},
                                     {"layer.weight", {2, 3}, std::span<const float>(w)},
                                     {"a.weight", {2, 3}, std::span<const float>(w)},
                                     {"scale", {}, std::span<const double>(s)},
                                     {"steps", {2}, std::span<const std::int64_t>(n)}});
    // The bytes that safetensors 0.8.0 saves for these tensors.
    std::string expected("\x50\x01\0\0\0\0\0\0", 8);
    expected += R"({"__metadata__":{"format":"pt"},"steps":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},)"
                R"("scale":{"dtype":"F64","shape":[],"data_offsets":[16,24]},"a.weight":{"dtype":"F32","shape":[2,3],)"
                R"("data_offsets":[24,48]},"layer.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[48,72]},)"
                R"("u":{"dtype":"U8","shape":[3],"data_offsets":[72,75]}}  )";
    const std::string floats("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40\0\0\xa0\x40\0\0\xc0\x40", 24);
    expected +=
        std::string("\x07\0\0\0\0\0\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\xe0\x3f", 24) + floats + floats + "\x01\x02\x03";
    CHECK((got == expected));
}

TEST_CASE("write_safetensors orders by type, the widest first, then by name", "[io]") {
    std::vector<tensor_source> tensors;
    for (int type = 0; type < 22; ++type) {
        const auto element = static_cast<dtype>(type);
        const auto bytes = static_cast<std::size_t>(io::bits(element));
        for (const char* name : {".b", ".a"}) {
            tensors.push_back(of_zeros(std::string(io::name_of(element)) + name, element, {8}, bytes));
        }
    }
    const std::string content = written(tensors);
    const auto header = io::parse_safetensors(io::detail::bytes_of(content), "memory");
    CHECK(header.data_start % 8 == 0);
    std::uint64_t position = 0;
    for (int type = 21; type >= 0; --type) {
        for (const char* name : {".a", ".b"}) {
            const auto& info = header.tensors.at(std::string(io::name_of(static_cast<dtype>(type))) + name);
            CHECK(info.begin == position);
            CHECK((io::bits(info.type) < 8 || info.begin * 8 % io::bits(info.type) == 0));
            position = info.end;
        }
    }
}

TEST_CASE("write_safetensors: an empty file, metadata and escapes", "[io]") {
    CHECK(written({}) == std::string("\x20\0\0\0\0\0\0\0", 8) + R"({"__metadata__":{"format":"pt"}})");
    const io::safetensors_metadata metadata{{"format", "np"}, {"a\"\n", "\x01\xc3\xa9"}};
    const std::string content = written({of_zeros("t\\\t", dtype::u8, {1}, 1)}, metadata);
    const auto header = io::parse_safetensors(io::detail::bytes_of(content), "memory");
    CHECK((header.metadata == metadata));
    CHECK(header.tensors.count("t\\\t") == 1);
}

TEST_CASE("write_safetensors refuses what the format cannot hold", "[io]") {
    CHECK_THROWS_AS(written({of_zeros("a", dtype::f32, {2}, 4)}), value_error);
    CHECK_THROWS_AS(written({of_zeros("a", dtype::f32, {-1}, 4)}), value_error);
    CHECK_THROWS_AS(written({of_zeros("a", dtype::f4, {3}, 2)}), value_error);
    CHECK_THROWS_AS(written({of_zeros("a", dtype::u8, {1, 1, 1, 1, 1, 1, 1, 1, 1}, 1)}), value_error);
    CHECK_THROWS_AS(written({of_zeros("a", dtype::u8, {ddpm::isize{1} << 62, 8}, 0)}), value_error);
    CHECK_THROWS_AS(written({of_zeros("a", dtype::u8, {1}, 1), of_zeros("a", dtype::f32, {1}, 4)}), value_error);
    CHECK_THROWS_AS(written({of_zeros("__metadata__", dtype::u8, {1}, 1)}), value_error);
    CHECK_THROWS_AS(written({of_zeros(std::string(4097, 'n'), dtype::u8, {1}, 1)}), value_error);
    CHECK_THROWS_AS(written({of_zeros("\xff", dtype::u8, {1}, 1)}), value_error);
    CHECK_THROWS_AS(written({}, {{"\xff", ""}}), value_error);
    CHECK_THROWS_AS(written({}, {{"", "\xff"}}), value_error);
    const temporary_folder folder;
    CHECK_THROWS_AS(io::write_safetensors(folder / "file", std::vector{of_zeros("a", dtype::f32, {2}, 4)}),
                    value_error);
    CHECK_THROWS_AS(io::write_safetensors(folder / "absent/file", {}), io_error);
    CHECK(folder.entries() == 0);
}

TEST_CASE("write_safetensors refuses a header beyond the limit", "[io][slow]") {
    CHECK_THROWS_AS(written({}, {{"", std::string(100'000'000, 'x')}}), value_error);
    const std::vector<tensor_source> many(1'000'001, of_zeros("a", dtype::u8, {1}, 1));
    CHECK_THROWS_AS(written(many), value_error);
}

TEST_CASE("write_safetensors copies no data", "[io]") {
    const temporary_folder folder;
    const std::vector<float> values(1'000'000, 1.0f);
    const std::vector<tensor_source> tensors{{"a", {1000, 1000}, std::span<const float>(values)}};
    largest_allocation = 0;
    io::write_safetensors(folder / "file", tensors, {}, {.checksum = true});
    CHECK(largest_allocation < 4096);
}

TEST_CASE("random safetensors files come back as they were written", "[io]") {
    std::mt19937 random(5);
    const auto below = [&](std::uint32_t bound) { return static_cast<std::uint32_t>(random()) % bound; };
    const temporary_folder folder;
    const std::string path = folder / "file";
    for (int round = 0; round < 100; ++round) {
        std::vector<std::vector<std::byte>> memory;
        std::vector<tensor_source> tensors;
        for (std::uint32_t i = below(8); i > 0; --i) {
            const auto type = static_cast<dtype>(below(22));
            std::vector<ddpm::isize> shape;
            std::size_t elements = 8;
            for (std::uint32_t d = below(4); d > 0; --d) {
                shape.push_back(below(5));
                elements *= static_cast<std::size_t>(shape.back());
            }
            shape.push_back(8);
            memory.emplace_back(elements * static_cast<std::size_t>(io::bits(type)) / 8);
            for (std::byte& byte : memory.back()) {
                byte = static_cast<std::byte>(below(256));
            }
            tensors.emplace_back(ddpm::detail::text("tensor.", i, "\xc3\xa9\""), type, shape, memory.back());
        }
        const bool checksum = below(2) == 1;
        memory_sink sink;
        io::detail::write_safetensors_to(sink, tensors, {{"round", std::to_string(round)}}, {.checksum = checksum});
        write_text(path, sink.content);
        const auto file = io::safetensors_file::open(path);
        if (checksum) {
            file.verify_checksum();
        }
        REQUIRE(file.tensors().size() == tensors.size());
        CHECK(file.metadata().at("round") == std::to_string(round));
        for (const tensor_source& tensor : tensors) {
            const io::tensor_info& info = file.info(tensor.name);
            REQUIRE(info.type == tensor.type);
            REQUIRE(info.shape == tensor.shape);
            std::vector<std::byte> got(tensor.bytes.size());
            file.read_bytes(tensor.name, got);
            REQUIRE(std::equal(got.begin(), got.end(), tensor.bytes.begin()));
        }
    }
}

}  // namespace
}  // namespace ddpm::test
