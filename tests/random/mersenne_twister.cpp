// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/random/mersenne_twister.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"

#include <algorithm>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

namespace ddpm::test {

TEST_CASE("the Mersenne twister's words are std::mt19937's on every target", "[random]") {
    for_each_target([] {
        for (const std::uint32_t seed : {0u, 1u, 5489u, 0xffffffffu}) {
            CAPTURE(seed);
            std::mt19937 expected(seed);
            mersenne_twister words(seed);
            int wrong = 0;
            for (int i = 0; i < 2000; ++i) {
                wrong += words() != expected();
            }
            CHECK(wrong == 0);
        }
    });
}

TEST_CASE("units are the words' 24 lower bits, however they are asked for", "[random]") {
    for_each_target([] {
        std::mt19937 words(7);
        mersenne_twister twister(7);
        for (const std::size_t size : {0u, 1u, 15u, 17u, 600u, 5u, 3000u}) {
            CAPTURE(size);
            std::vector<float> units(size);
            twister.units(units);
            CHECK(std::all_of(units.begin(), units.end(), [&](float unit) {
                return unit == static_cast<float>(words() & 0xffffffu) / 16777216.0f;
            }));
            CHECK(twister() == words());
        }
    });
}

}  // namespace ddpm::test
