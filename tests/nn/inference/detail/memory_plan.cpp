// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/inference/detail/memory_plan.hpp>

#include "support/catch.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace ddpm::test {

TEST_CASE("a plan gives the lowest free place, aligned, and knows how much it needs", "[nn]") {
    nn::detail::memory_plan plan;
    CHECK(plan.bytes() == 0);
    const isize a = plan.take(100), b = plan.take(1), c = plan.take(64);
    CHECK(a == 0);
    CHECK(b == 128);
    CHECK(c == 192);
    CHECK(plan.bytes() == 256);
    plan.release(b);
    CHECK(plan.take(65) == 256);  // does not fit where b was
    CHECK(plan.take(64) == b);
    plan.release(a);
    CHECK(plan.take(64) == 0);
    CHECK(plan.take(0) == 64);  // an empty block has a place of its own
    CHECK(plan.bytes() == 384);
    plan.clear();
    CHECK(plan.take(64) == 0);
    CHECK(plan.bytes() == 384);
    plan.begin();
    CHECK(plan.bytes() == 0);
    CHECK(plan.take(64) == 0);
    CHECK(plan.bytes() == 64);
}

TEST_CASE("blocks in use never overlap", "[nn]") {
    nn::detail::memory_plan plan;
    std::vector<std::pair<isize, isize>> used;
    std::uint32_t random = 1;
    const auto draw = [&](std::uint32_t below) {
        random = random * 1664525u + 1013904223u;
        return (random >> 8) % below;
    };
    for (int i = 0; i < 2000; ++i) {
        if (used.size() > 20 || (!used.empty() && draw(3) == 0)) {
            const std::size_t k = draw(static_cast<std::uint32_t>(used.size()));
            plan.release(used[k].first);
            used.erase(used.begin() + static_cast<std::ptrdiff_t>(k));
            continue;
        }
        const isize bytes = 1 + static_cast<isize>(draw(1000)), place = plan.take(bytes);
        REQUIRE(place % 64 == 0);
        REQUIRE(place + bytes <= plan.bytes());
        for (const auto& [first, size] : used) {
            REQUIRE((place + bytes <= first || first + size <= place));
        }
        used.emplace_back(place, bytes);
    }
}

}  // namespace ddpm::test
