// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/memory/arena.hpp>

#include "support/allocations.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace ddpm::test {
namespace {

/// More elements than an arena takes from the system at least.
constexpr isize many = isize{1} << 19;

}  // namespace

TEMPLATE_TEST_CASE("an arena gives aligned memory in whole cache lines, one block after the other", "[nn]", float,
                   double) {
    using S = TestType;
    constexpr isize line = 64 / isize{sizeof(S)};
    nn::arena<S> memory;
    CHECK(memory.bytes() == 0);
    S* const first = memory.take(1);
    CHECK(memory.take(line) == first + line);
    CHECK(memory.take(line + 1) == first + 2 * line);
    CHECK(memory.take(0) == first + 4 * line);
    CHECK(memory.take(1) == first + 4 * line);
    CHECK(reinterpret_cast<std::uintptr_t>(first) % 64 == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(memory.take(2 * many)) % 64 == 0);
}

TEMPLATE_TEST_CASE("an arena grows by blocks that stay where they are, and later batches allocate nothing", "[nn]",
                   float, double) {
    using S = TestType;
    nn::arena<S> memory;
    S* places[4] = {};
    const auto take_all = [&] {
        for (S*& place : places) {
            place = memory.take(many);
        }
    };
    take_all();
    for (std::size_t k = 0; k < 4; ++k) {
        std::fill_n(places[k], many, static_cast<S>(k));
    }
    for (std::size_t k = 0; k < 4; ++k) {
        CHECK(std::count(places[k], places[k] + many, static_cast<S>(k)) == many);
    }
    const std::size_t bytes = memory.bytes();
    CHECK(bytes >= 4 * static_cast<std::size_t>(many) * sizeof(S));
    S* before[4];
    std::copy_n(places, 4, before);
    memory.clear();
    const std::size_t allocated = allocations;
    take_all();
    CHECK(allocations == allocated);
    CHECK(std::equal(places, places + 4, before));
    CHECK(memory.bytes() == bytes);
}

TEST_CASE("an arena grows in few blocks, and allocates at most half more than is taken", "[nn]") {
    nn::arena<float> memory;
    const std::size_t before = allocations;
    for (int k = 0; k < 100; ++k) {
        static_cast<void>(memory.take(many));
    }
    // Blocks of 1, 1, 1, 1, 2, 3 ... times that, and the list of blocks, which doubles.
    CHECK(allocations - before < 20);
    CHECK(memory.bytes() <= 150 * static_cast<std::size_t>(many) * sizeof(float));
}

TEST_CASE("memory that is reserved is all that an arena allocates", "[nn]") {
    nn::arena<float> memory;
    memory.reserve(0);
    CHECK(memory.bytes() == 0);
    memory.reserve(48);
    CHECK(memory.bytes() == 48 * sizeof(float));
    float* const first = memory.take(17);
    CHECK(memory.take(16) == first + 32);
    CHECK(memory.bytes() == 48 * sizeof(float));
    memory.reserve(48);
    CHECK(memory.bytes() == 48 * sizeof(float));
    // More is allocated beside what there is, which stays where it is.
    memory.reserve(96);
    const std::size_t bytes = memory.bytes();
    CHECK(bytes >= 96 * sizeof(float));
    memory.clear();
    CHECK(memory.take(32) == first);
    static_cast<void>(memory.take(64));
    CHECK(memory.bytes() == bytes);
}

TEST_CASE("what is taken in a scope is free after it", "[nn]") {
    nn::arena<double> memory;
    double* const outer = memory.take(8);
    {
        const auto scope = memory.scope();
        CHECK(memory.take(8) == outer + 8);
        {
            const auto inner = memory.scope();
            CHECK(memory.take(8) == outer + 16);
            static_cast<void>(memory.take(many));  // in another block
        }
        CHECK(memory.take(8) == outer + 16);
    }
    CHECK(memory.take(8) == outer + 8);
}

TEST_CASE("maps and columns of an arena have their shape, in memory of their own", "[nn]") {
    nn::arena<float> memory;
    const nn::feature_map<float> map = memory.map(3, 2, 4, 5);
    CHECK(map.channels == 3);
    CHECK(map.height == 2);
    CHECK(map.width == 4);
    CHECK(map.samples == 5);
    const nn::feature_map<float> other = memory.like(map);
    CHECK(other.channels == 3);
    CHECK(other.height == 2);
    CHECK(other.width == 4);
    CHECK(other.samples == 5);
    CHECK(other.data == map.data + 128);  // 120 elements in whole cache lines
    const batch_view<float> columns = memory.columns(3, 6);
    CHECK(columns.rows() == 3);
    CHECK(columns.columns() == 6);
    CHECK(columns.contiguous());
    CHECK(columns.data() == other.data + 128);
    CHECK(memory.take(1) == columns.data() + 32);
}

}  // namespace ddpm::test
