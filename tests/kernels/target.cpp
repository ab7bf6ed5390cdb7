// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/target.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <string>

#define DDPM_KERNEL_BODY "kernels/target.inl.hpp"
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::test {

TEST_CASE("the active target is one that the machine has", "[kernels]") {
    CHECK(is_supported(simd_target()));
    CHECK(is_supported(instruction_set::baseline));
}

TEST_CASE("DDPM_SIMD takes the names of the supported targets", "[kernels]") {
    for (const instruction_set set : all_instruction_sets) {
        if (is_supported(set)) {
            CHECK(ddpm::detail::parse_simd_target(name_of(set)) == set);
        } else {
            CHECK_THROWS_AS(ddpm::detail::parse_simd_target(name_of(set)), value_error);
        }
    }
    CHECK(is_supported(ddpm::detail::parse_simd_target("")));
}

TEST_CASE("an unknown DDPM_SIMD is reported with what would do", "[kernels]") {
    for (const char* text : {"sse9", "AVX2", "avx512 ", "baseline,avx2"}) {
        try {
            static_cast<void>(ddpm::detail::parse_simd_target(text));
            FAIL("accepted " << text);
        } catch (const value_error& e) {
            const std::string what = e.what();
            CHECK(what.find("DDPM_SIMD: unknown instruction set; expected baseline") == 0);
            CHECK(what.find(text) != std::string::npos);
        }
    }
}

TEST_CASE("registers that the operating system does not save are not used", "[kernels]") {
    using ddpm::detail::decode;
    const std::uint32_t leaf1 = (1u << 12) | (1u << 27) | (1u << 28);
    const std::uint32_t avx2 = 1u << 5, avx512 = avx2 | (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);
    CHECK(decode({leaf1, avx512, 0xe7}).avx512);
    CHECK(decode({leaf1, avx512, 0xe7}).avx2);
    CHECK_FALSE(decode({leaf1, avx512, 0x07}).avx512);
    CHECK(decode({leaf1, avx512, 0x07}).avx2);
    CHECK_FALSE(decode({leaf1, avx512, 0x03}).avx2);
    CHECK_FALSE(decode({leaf1, avx512, 0}).avx2);
    CHECK_FALSE(decode({leaf1 & ~(1u << 12), avx512, 0xe7}).avx2);
    CHECK_FALSE(decode({leaf1 & ~(1u << 12), avx512, 0xe7}).avx512);
    for (const int bit : {16, 17, 30, 31}) {
        CHECK_FALSE(decode({leaf1, avx512 & ~(1u << bit), 0xe7}).avx512);
    }
    CHECK_FALSE(decode({leaf1, 0, 0xe7}).avx2);
}

TEST_CASE("matrix units need the processor's support and the saved registers", "[kernels]") {
    using ddpm::detail::decode;
    const std::uint32_t leaf1 = (1u << 12) | (1u << 27) | (1u << 28);
    const std::uint32_t avx512 = (1u << 5) | (1u << 16) | (1u << 17) | (1u << 30) | (1u << 31);
    const std::uint32_t amx = (1u << 22) | (1u << 24), bf16 = 1u << 5;
    CHECK(decode({leaf1, avx512, 0xe7, amx, bf16}).avx512_bf16);
    CHECK(decode({leaf1, avx512, 0xe7, amx, bf16}).fast_pairs);
    CHECK_FALSE(decode({leaf1, avx512, 0xe7, amx, 0}).fast_pairs);
    CHECK_FALSE(decode({leaf1, avx512, 0xe7, amx, bf16, 0x756e6547}).fast_pairs);  // Intel
    CHECK(decode({leaf1, avx512, 0xe7, amx, bf16, 0x756e6547}).avx512_bf16);
    CHECK_FALSE(decode({leaf1, avx512, 0xe7, amx, bf16}).amx);  // the tiles are not saved
    CHECK(decode({leaf1, avx512, 0x600e7, amx, bf16}).amx);
    CHECK_FALSE(decode({leaf1, avx512, 0x600e7, amx, 0}).amx);
    CHECK_FALSE(decode({leaf1, avx512, 0x600e7, amx, 0}).avx512_bf16);
    CHECK_FALSE(decode({leaf1, avx512, 0x60007, amx, bf16}).avx512_bf16);
    CHECK_FALSE(decode({leaf1, avx512, 0x60007, amx, bf16}).amx);
    for (const std::uint32_t bit : {22u, 24u}) {
        CHECK_FALSE(decode({leaf1, avx512, 0x600e7, amx & ~(1u << bit), bf16}).amx);
    }
    for (const std::uint32_t bit : {17u, 18u}) {
        CHECK_FALSE(decode({leaf1, avx512, 0x600e7 & ~(1u << bit), amx, bf16}).amx);
    }
}

TEST_CASE("a scoped target holds for its scope, and dispatch follows it", "[kernels]") {
    const instruction_set before = simd_target();
    for (const instruction_set set : all_instruction_sets) {
        if (is_supported(set)) {
            const ddpm::detail::scoped_simd_target on(set);
            CHECK(simd_target() == set);
            // What has no version for matrix units uses that for AVX-512.
            const bool own = std::count(float_instruction_sets.begin(), float_instruction_sets.end(), set) != 0;
            const instruction_set expected = own ? set : instruction_set::avx512;
            CHECK(DDPM_DISPATCH(compiled_for)() == expected);
            CHECK(DDPM_DISPATCH(compiled_for_in_template<float>)() == expected);
        } else {
            CHECK_THROWS_AS(ddpm::detail::scoped_simd_target(set), value_error);
        }
        CHECK(simd_target() == before);
    }
}

}  // namespace ddpm::test
