// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/io/dtype.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace ddpm::test {
namespace {

using io::dtype;

TEST_CASE("the types of safetensors have their names, sizes and order", "[io]") {
    constexpr std::pair<std::string_view, std::uint64_t> expected[] = {
        {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
        {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
        {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
        {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
    };
    std::size_t rank = 0;
    for (const auto& [text, size] : expected) {
        CAPTURE(text);
        const auto type = io::dtype_named(text);
        REQUIRE(type.has_value());
        CHECK(static_cast<std::size_t>(*type) == rank++);
        CHECK(io::name_of(*type) == text);
        CHECK(io::bits(*type) == size);
    }
    CHECK(!io::dtype_named("f32"));
    CHECK(!io::dtype_named(""));
    CHECK(!io::dtype_named("F32 "));
    CHECK(!io::dtype_named("I128"));
}

TEST_CASE("four types are converted to float and double", "[io]") {
    std::vector<dtype> converted;
    for (std::uint8_t rank = 0; rank < 22; ++rank) {
        if (io::converts_to_scalar(static_cast<dtype>(rank))) {
            converted.push_back(static_cast<dtype>(rank));
        }
    }
    CHECK(converted == std::vector<dtype>{dtype::f16, dtype::bf16, dtype::f32, dtype::f64});
}

TEST_CASE("C++ numbers have a type of their own", "[io]") {
    CHECK(io::dtype_of<float>() == dtype::f32);
    CHECK(io::dtype_of<double>() == dtype::f64);
    CHECK(io::dtype_of<std::uint8_t>() == dtype::u8);
    CHECK(io::dtype_of<std::int8_t>() == dtype::i8);
    CHECK(io::dtype_of<std::uint16_t>() == dtype::u16);
    CHECK(io::dtype_of<std::int16_t>() == dtype::i16);
    CHECK(io::dtype_of<std::uint32_t>() == dtype::u32);
    CHECK(io::dtype_of<std::int32_t>() == dtype::i32);
    CHECK(io::dtype_of<std::uint64_t>() == dtype::u64);
    CHECK(io::dtype_of<std::int64_t>() == dtype::i64);
    CHECK(io::dtype_of<long long>() == dtype::i64);
}

}  // namespace
}  // namespace ddpm::test
