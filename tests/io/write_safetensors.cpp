// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/write_safetensors.hpp>

#include <ddpm/core/detail/utf8.hpp>
#include <ddpm/io/safetensors_file.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/sanitizer.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using io::dtype;
using io::tensor_source;

/// Collects what is written.
struct memory_sink {
    std::string content;
    void write(std::span<const std::byte> bytes) { content.append(ddpm::detail::text_of(bytes)); }
};

std::string written(const std::vector<tensor_source>& tensors, const io::safetensors_metadata& metadata = {},
                    const io::safetensors_options& options = {}) {
    memory_sink sink;
    io::detail::write_safetensors_to(sink, tensors, metadata, options, io::detail::bytes_of_source);
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
    const auto header = io::parse_safetensors(ddpm::detail::bytes_of(content), "memory");
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
    const auto header = io::parse_safetensors(ddpm::detail::bytes_of(content), "memory");
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

TEST_CASE("write_safetensors takes bytes that are made while the file is written", "[io]") {
    const temporary_folder folder;
    const std::vector<float> first{1, 2, 3}, second{4, 5};
    const std::vector<tensor_source> tensors{{"b", {3}, std::span(first)}, {"a", {2}, std::span(second)}};
    std::vector<float> doubled;
    const auto bytes_of = [&](const tensor_source& tensor) {
        doubled = tensor.name == "b" ? first : second;
        std::transform(doubled.begin(), doubled.end(), doubled.begin(), [](float x) { return 2 * x; });
        return std::as_bytes(std::span<const float>(doubled));
    };
    io::write_safetensors(folder / "made", tensors, {{"key", "value"}}, bytes_of);
    const std::vector<float> first_doubled{2, 4, 6}, second_doubled{8, 10};
    io::write_safetensors(
        folder / "whole",
        std::vector<tensor_source>{{"b", {3}, std::span(first_doubled)}, {"a", {2}, std::span(second_doubled)}},
        {{"key", "value"}});
    CHECK((read_text(folder / "made") == read_text(folder / "whole")));

    const auto too_few = [&](const tensor_source&) { return std::as_bytes(std::span(second)); };
    CHECK_THROWS_AS(io::write_safetensors(folder / "made", tensors, {}, too_few), value_error);
    CHECK((read_text(folder / "made") == read_text(folder / "whole")));
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

struct file_content {
    std::vector<tensor_source> tensors;
    io::safetensors_metadata metadata;
    bool checksum;
};

/// Makes the content of one random file after another.
class random_content {
public:
    explicit random_content(std::uint32_t seed) : random_(seed) {
        for (std::byte& byte : data_) {
            byte = static_cast<std::byte>(below(256));
        }
    }

    file_content next() {
        file_content content{{}, {}, below(2) == 1};
        for (std::uint32_t i = below(8); i > 0; --i) {
            add_tensor(content.tensors);
        }
        for (std::uint32_t i = below(4); i > 0; --i) {
            content.metadata.emplace(below(8) == 0 ? "format" : text(), text());
        }
        return content;
    }

private:
    std::uint32_t word() { return static_cast<std::uint32_t>(random_()); }
    std::uint32_t below(std::uint32_t bound) { return word() % bound; }

    /// A control character, one that may be escaped, one of ASCII, or any.
    char32_t character() {
        constexpr std::u32string_view escaped = U"\"\\/\x7f";
        constexpr std::uint32_t first_surrogate = 0xd800, surrogates = 0x800;
        switch (below(4)) {
            case 0:
                return below(0x20);
            case 1:
                return escaped[below(4)];
            case 2:
                return 0x20 + below(0x60);
            default: {
                const std::uint32_t any = below(0x110000 - surrogates);
                return any < first_surrogate ? any : any + surrogates;
            }
        }
    }

    /// Mostly short, sometimes about as long as a name may be.
    std::string text() {
        std::string out;
        for (std::uint32_t i = below(below(100) == 0 ? 1000 : 16); i > 0; --i) {
            detail::append_utf8(out, character());
        }
        return out;
    }

    void add_tensor(std::vector<tensor_source>& tensors) {
        std::string name = text();
        while (std::any_of(tensors.begin(), tensors.end(), [&](const auto& other) { return other.name == name; })) {
            name += 'x';
        }
        const auto type = static_cast<dtype>(below(22));
        std::vector<ddpm::isize> shape;
        std::uint64_t product = 1;  // of the extents that are not 0
        bool empty = false;
        for (std::uint32_t i = below(9); i > 0; --i) {
            const std::uint32_t extent = product >= 128 ? below(2) : empty ? word() : below(5);
            shape.push_back(extent);
            empty = empty || extent == 0;
            product *= extent == 0 ? 1 : extent;
        }
        if (!empty && product * io::bits(type) % 8 != 0) {  // an extent of 8 makes whole bytes
            shape.resize(std::max<std::size_t>(shape.size(), 1), 1);
            shape.back() *= 8;
            product *= 8;
        }
        const std::size_t bytes = empty ? 0 : static_cast<std::size_t>(product * io::bits(type) / 8);
        const std::size_t first = below(static_cast<std::uint32_t>(data_.size() - bytes));
        tensors.emplace_back(std::move(name), type, std::move(shape), std::span(data_).subspan(first, bytes));
    }

    std::mt19937 random_;
    std::vector<std::byte> data_ = std::vector<std::byte>(8192);
};

/// What a file has other than the content that was written to it; empty if nothing.
std::string difference(const io::safetensors_file& file, const file_content& content) {
    auto metadata = file.metadata();
    if (content.checksum) {
        file.verify_checksum();
        metadata.erase(metadata.find(io::detail::checksum_key));
    }
    auto expected = content.metadata;
    expected.emplace("format", "pt");
    if (metadata != expected) {
        return "other metadata";
    }
    if (file.tensors().size() != content.tensors.size()) {
        return "another number of tensors";
    }
    std::vector<std::byte> bytes;
    for (const tensor_source& tensor : content.tensors) {
        const io::tensor_info* const info = file.find(tensor.name);
        if (info == nullptr || info->type != tensor.type || info->shape != tensor.shape) {
            return "another name, type or shape";
        }
        bytes.resize(tensor.bytes.size());
        file.read_bytes(tensor.name, bytes);
        if (!std::equal(bytes.begin(), bytes.end(), tensor.bytes.begin())) {
            return "other data";
        }
    }
    return {};
}

TEST_CASE("random safetensors files come back as they were written", "[io]") {
    random_content random(5);
    const temporary_folder folder;
    const std::string path = folder / "file";
    for (int round = 0; round < 100; ++round) {
        const file_content content = random.next();
        write_text(path, written(content.tensors, content.metadata, {.checksum = content.checksum}));
        CAPTURE(round);
        REQUIRE(difference(io::safetensors_file::open(path), content).empty());
    }
}

TEST_CASE("a million random safetensors files come back as they were written", "[io][slow]") {
#if defined(DDPM_TEST_SANITIZER)
    constexpr int files = 100'000;
#else
    constexpr int files = 1'000'000;
#endif
    random_content random(6);
    std::size_t tensors = 0;
    for (int round = 0; round < files; ++round) {
        const file_content content = random.next();
        const std::string file = written(content.tensors, content.metadata, {.checksum = content.checksum});
        const std::string said = difference(io::safetensors_file::parse(ddpm::detail::bytes_of(file), "f"), content);
        if (!said.empty()) {
            FAIL("file " << round << ": " << said);
        }
        tensors += content.tensors.size();
    }
    std::cout << "safetensors: " << files << " random files of " << tensors << " tensors come back" << std::endl;
}

}  // namespace
}  // namespace ddpm::test
