// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/safetensors_file.hpp>

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/io/write_safetensors.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/stat.h>

namespace ddpm::test {
namespace {

using io::dtype;
using io::safetensors_file;
using io::tensor_source;

template <class T>
tensor_source source(std::string name, std::vector<ddpm::isize> shape, const std::vector<T>& values) {
    return {std::move(name), std::move(shape), std::span<const T>(values)};
}

TEMPLATE_TEST_CASE("safetensors_file reads every floating type", "[io]", float, double) {
    using S = TestType;
    const temporary_folder folder;
    const std::string path = folder / "file";
    const std::vector<float> f32{1.5f, -0.0f, 3.4028235e38f, std::numeric_limits<float>::infinity(), 1e-45f, 0.1f};
    const std::vector<double> f64{1.0 / 3.0, -1e-300, 0.1, 2.0, 1e300, -7.0};
    const std::vector<std::uint16_t> f16{0x3c00, 0xc000, 0x7bff, 0x0001, 0xfc00, 0x3555};
    const std::vector<std::uint16_t> bf16{0x3f80, 0xc000, 0x7f7f, 0x0001, 0xff80, 0x3eab};
    io::write_safetensors(path,
                          std::vector<tensor_source>{source("f32", {2, 3}, f32),
                                                     source("f64", {6}, f64),
                                                     {"f16", dtype::f16, {6, 1}, std::as_bytes(std::span(f16))},
                                                     {"bf16", dtype::bf16, {1, 6}, std::as_bytes(std::span(bf16))}});
    const auto file = safetensors_file::open(path);
    CHECK(file.path() == path);
    CHECK(file.tensors().size() == 4);
    CHECK(!file.has_checksum());
    CHECK(file.info("f32").shape == std::vector<ddpm::isize>{2, 3});
    const auto values = [&](std::string_view name) {
        std::array<S, 6> out{};
        file.read<S>(name, out);
        return out;
    };
    const auto same = [](S a, double b) { return a == static_cast<S>(b) && std::signbit(a) == std::signbit(b); };
    for (std::size_t i = 0; i < 6; ++i) {
        CAPTURE(i);
        CHECK(same(values("f32")[i], static_cast<double>(f32[i])));
        CHECK(same(values("f64")[i], f64[i]));
        CHECK(same(values("f16")[i], static_cast<double>(ddpm::detail::float_of_f16(f16[i]))));
        CHECK(same(values("bf16")[i], static_cast<double>(to_float(bfloat16{bf16[i]}))));
    }
}

TEST_CASE("safetensors_file reads integers and a NaN as they are, and refuses the rest", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    const std::vector<float> nan{std::bit_cast<float>(0x7fc12345u)};
    const std::vector<std::int64_t> whole{std::numeric_limits<std::int64_t>::min(), -1, 5};
    const std::vector<float> none;
    io::write_safetensors(
        path,
        std::vector<tensor_source>{source("nan", {}, nan), source("i64", {3}, whole), source("none", {0, 7}, none)},
        {{"note", "hello"}});
    const auto file = safetensors_file::open(path);
    float scalar = 0;
    file.read<float>("nan", std::span(&scalar, 1));
    CHECK(std::bit_cast<std::uint32_t>(scalar) == 0x7fc12345u);
    std::array<std::int64_t, 3> integers{};
    file.read<std::int64_t>("i64", integers);
    CHECK(std::equal(integers.begin(), integers.end(), whole.begin()));
    std::array<std::byte, 24> raw{};
    file.read_bytes("i64", raw);
    CHECK(raw[7] == std::byte{0x80});
    file.read<float>("none", {});
    file.read<double>("none", {});
    CHECK(file.metadata().at("note") == "hello");
    CHECK(file.metadata().at("format") == "pt");

    CHECK(file.find("absent") == nullptr);
    CHECK_THROWS_AS(file.info("absent"), io_error);
    std::array<float, 3> three{};
    std::array<float, 1> one{};
    std::array<std::int32_t, 3> narrow{};
    CHECK_THROWS_AS(file.read<float>("absent", three), io_error);
    CHECK_THROWS_AS(file.read<float>("nan", three), io_error);
    CHECK_THROWS_AS(file.read<float>("none", one), io_error);
    CHECK_THROWS_AS(file.read<float>("i64", three), io_error);
    CHECK_THROWS_AS(file.read<std::int64_t>("i64", std::span(integers).first(2)), io_error);
    CHECK_THROWS_AS(file.read<std::int32_t>("i64", narrow), io_error);
    CHECK_THROWS_AS(file.read_bytes("i64", std::span(raw).first(23)), io_error);
    CHECK_THROWS_AS(file.read_bytes("absent", raw), io_error);
}

TEST_CASE("safetensors_file refuses what is not a regular file", "[io]") {
    const temporary_folder folder;
    CHECK_THROWS_AS(safetensors_file::open(folder / "absent"), io_error);
    CHECK_THROWS_AS(safetensors_file::open(folder / ""), io_error);
    CHECK_THROWS_AS(safetensors_file::open("/dev/zero"), io_error);
    write_text(folder / "empty", "");
    CHECK_THROWS_AS(safetensors_file::open(folder / "empty"), io_error);
    const std::string pipe = folder / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK_THROWS_AS(safetensors_file::open(pipe), io_error);
    std::filesystem::create_symlink("loop", folder / "loop");
    CHECK_THROWS_AS(safetensors_file::open(folder / "loop"), io_error);
}

/// A valid file of three tensors, with a checksum.
std::string write_sample(const std::string& path) {
    const std::vector<double> a{1, 2, 3, 4, 5, 6};
    const std::vector<float> b{1, 2, 3, 4};
    const std::vector<std::uint8_t> c{7};
    io::write_safetensors(path,
                          std::vector<tensor_source>{source("a", {2, 3}, a), source("b", {4}, b), source("c", {}, c)},
                          {{"step", "12"}}, {.checksum = true});
    return read_text(path);
}

TEST_CASE("corruption: every truncation of a safetensors file on disk is an io_error", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    for (std::size_t whole = write_sample(path).size(); whole > 0; --whole) {
        const std::size_t size = whole - 1;
        std::filesystem::resize_file(path, size);
        largest_allocation = 0;
        CHECK_THROWS_AS(safetensors_file::open(path), io_error);
        REQUIRE(largest_allocation < size + 4096);
    }
}

TEST_CASE("a safetensors file in memory is read as one on disk, where it lies", "[io]") {
    const temporary_folder folder;
    const std::string bytes = write_sample(folder / "good");
    const auto disk = safetensors_file::open(folder / "good");
    const auto memory = safetensors_file::parse(ddpm::detail::bytes_of(bytes), "model");
    CHECK(memory.path() == "model");
    CHECK(memory.metadata() == disk.metadata());
    REQUIRE(memory.tensors().size() == disk.tensors().size());
    for (const auto& [name, info] : disk.tensors()) {
        const std::size_t size = info.end - info.begin;
        std::vector<std::byte> of_disk(size), of_memory(size);
        disk.read_bytes(name, of_disk);
        memory.read_bytes(name, of_memory);
        CHECK(of_disk == of_memory);
        const std::byte* const place = memory.bytes_in_memory(name);
        REQUIRE(place != nullptr);
        CHECK(std::equal(of_disk.begin(), of_disk.end(), place));
        CHECK(reinterpret_cast<const char*>(place + size) <= bytes.data() + bytes.size());
        CHECK(disk.bytes_in_memory(name) == nullptr);
    }
    std::array<float, 6> a{}, a_of_disk{};  // converted from double
    memory.read<float>("a", a);
    disk.read<float>("a", a_of_disk);
    CHECK(a == a_of_disk);
    CHECK(memory.has_checksum());
    memory.verify_checksum();
    CHECK_THROWS_AS(memory.info("absent"), io_error);
    CHECK_THROWS_AS(memory.bytes_in_memory("absent"), io_error);
    CHECK_THROWS_AS(memory.read<std::int32_t>("a", {}), io_error);
}

TEST_CASE("corruption: a safetensors file in memory that is truncated or changed is an io_error as on disk", "[io]") {
    const temporary_folder folder;
    const std::string good = write_sample(folder / "good");
    const auto message = [](auto&& read) -> std::string {
        try {
            read().verify_checksum();
        } catch (const io_error& e) {
            return e.what();
        }
        return "nothing was thrown";
    };
    const std::string path = folder / "bad";
    const auto check = [&](const std::string& bad) {
        // Exactly so many bytes: the address sanitizer sees a read past them.
        const std::vector<char> memory(bad.begin(), bad.end());
        const std::string of_memory =
            message([&] { return safetensors_file::parse(std::as_bytes(std::span(memory)), path); });
        write_text(path, bad);
        REQUIRE(of_memory == message([&] { return safetensors_file::open(path); }));
        REQUIRE(of_memory != "nothing was thrown");
    };
    for (std::size_t length = 0; length < good.size(); ++length) {
        check(good.substr(0, length));
    }
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
        check(bad);
    }
}

TEST_CASE("corruption: the checksum finds every changed byte of a safetensors file", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    const std::string content = write_sample(path);
    safetensors_file::open(path).verify_checksum();
    std::fstream bytes(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto put = [&](std::size_t at, int value) {
        bytes.seekp(static_cast<std::streamoff>(at)).put(static_cast<char>(value)).flush();
    };
    int opened = 0;
    for (std::size_t at = 0; at < content.size(); ++at) {
        for (const int flip : {1, 2, 32, 128, 255}) {
            put(at, content[at] ^ flip);
            try {
                const auto file = safetensors_file::open(path);
                ++opened;
                file.verify_checksum();
                FAIL("byte " << at << " flipped by " << flip);
            } catch (const io_error&) {
            }
        }
        put(at, content[at]);
    }
    safetensors_file::open(path).verify_checksum();
    CHECK(opened > 0);
}

TEST_CASE("a safetensors file without a checksum, or with a malformed one, does not verify", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    const std::vector<float> values{1};
    io::write_safetensors(path, std::vector<tensor_source>{source("a", {1}, values)});
    CHECK_THROWS_AS(safetensors_file::open(path).verify_checksum(), io_error);
    for (const std::string_view digits : {"", "0", "000000000", "\\u00300000000"}) {
        const std::string header = ddpm::detail::text(R"({"__metadata__":{"ddpm.crc32":")", digits, "\"}}");
        std::string text(8, '\0');
        text[0] = static_cast<char>(header.size());
        write_text(path, text + header);
        const auto file = safetensors_file::open(path);
        CHECK_THROWS_AS(file.verify_checksum(), io_error);
    }
}

TEST_CASE("a file that becomes shorter after it was opened is an io_error", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    const std::vector<float> values(100'000, 1.0f);
    io::write_safetensors(path, std::vector<tensor_source>{source("a", {100'000}, values)});
    const auto file = safetensors_file::open(path);
    std::filesystem::resize_file(path, 200'000);
    std::vector<float> out(values.size());
    CHECK_THROWS_AS(file.read<float>("a", out), io_error);
    std::vector<double> wide(values.size());
    CHECK_THROWS_AS(file.read<double>("a", wide), io_error);
}

TEST_CASE("safetensors_file allocates no more than its header, whatever it reads", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    const std::size_t count = 1'000'000;
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = static_cast<float>(i);
    }
    const std::vector<std::uint16_t> ones(count, 0x3c00);
    const auto extent = static_cast<ddpm::isize>(count);
    io::write_safetensors(path,
                          std::vector<tensor_source>{source("a", {extent}, values),
                                                     {"h", dtype::f16, {extent}, std::as_bytes(std::span(ones))}});
    std::vector<float> narrow(count);
    std::vector<double> wide(count);
    largest_allocation = 0;
    auto file = safetensors_file::open(path);
    file.read<float>("a", narrow);
    file.read<double>("a", wide);
    CHECK(largest_allocation < 4096);
    CHECK(narrow == values);
    CHECK(std::equal(wide.begin(), wide.end(), values.begin()));
    file.read<float>("h", narrow);
    CHECK(std::count(narrow.begin(), narrow.end(), 1.0f) == extent);

    // Moved and read by two threads.
    const auto moved = std::move(file);
    std::vector<float> other(count);
    std::thread second([&] { moved.read<float>("a", other); });
    moved.read<float>("a", narrow);
    second.join();
    CHECK(narrow == values);
    CHECK(other == values);
}

TEST_CASE("safetensors_file: a header length beyond its limit or the file allocates nothing", "[io]") {
    const temporary_folder folder;
    const std::string path = folder / "file";
    for (const std::uint64_t length : {std::uint64_t{100'000'001}, std::uint64_t{1} << 32, std::uint64_t{1} << 63,
                                       std::numeric_limits<std::uint64_t>::max()}) {
        std::string prefix(8, '\0');
        std::memcpy(prefix.data(), &length, 8);
        write_text(path, prefix);
        std::filesystem::resize_file(path, 200'000'000);  // a hole: takes no room on the disk
        largest_allocation = 0;
        CHECK_THROWS_AS(safetensors_file::open(path), io_error);
        CHECK(largest_allocation < 4096);
    }
}

TEST_CASE("safetensors_file reads some bytes of a tensor", "[io]") {
    const temporary_folder folder;
    const std::vector<std::uint8_t> before{9}, bytes{1, 2, 3, 4, 5};
    io::write_safetensors(folder / "x.safetensors", std::vector{source("a", {1}, before), source("b", {5}, bytes)});
    const auto file = safetensors_file::open(folder / "x.safetensors");
    std::array<std::byte, 2> some{};
    file.read_bytes("b", 3, some);
    CHECK(some == std::array{std::byte{4}, std::byte{5}});
    file.read_bytes("b", 5, std::span(some).first(0));
    CHECK_THROWS_AS(file.read_bytes("b", 4, some), io_error);
    CHECK_THROWS_AS(file.read_bytes("b", 6, std::span(some).first(0)), io_error);
    CHECK_THROWS_AS(file.read_bytes("b", std::numeric_limits<std::uint64_t>::max(), some), io_error);
    CHECK_THROWS_AS(file.read_bytes("c", 0, some), io_error);
}

}  // namespace
}  // namespace ddpm::test
