// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/bench/scratch.hpp>
#include <ddpm/core/types.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <vector>

namespace ddpm::test {

TEST_CASE("shared memory holds numbers between 0 and 1/2 that spread evenly", "[bench]") {
    constexpr isize size = 4096;
    const float* const x = bench::scratch(0, size);
    CHECK(std::all_of(x, x + size, [](float value) { return value > 0 && value <= 0.5F; }));
    for (int quarter = 0; quarter < 4; ++quarter) {
        const auto among = std::count_if(x, x + size, [&](float v) { return static_cast<int>(v * 8) == quarter; });
        CHECK(among > size / 5);
        CHECK(among < size / 3);
    }
}

TEST_CASE("shared memory is made anew only where it is too small", "[bench]") {
    float* const x = bench::scratch(1, 1000);
    const std::vector<float> values(x, x + 1000);
    CHECK(bench::scratch(2, 1000) != x);
    x[5] = 7;
    CHECK(bench::scratch(1, 500) == x);
    CHECK(std::equal(x, x + 500, values.begin()));
    const float* const longer = bench::scratch(1, 2000);
    CHECK(std::equal(values.begin(), values.end(), longer));
    CHECK(std::all_of(longer, longer + 2000, [](float value) { return value > 0 && value <= 0.5F; }));
}

TEST_CASE("a batch of shared memory has its dimension and its count", "[bench]") {
    const batch_view<float> x = bench::scratch_batch(3, 8, 5);
    CHECK(x.rows() == 8);
    CHECK(x.columns() == 5);
    CHECK(x.data() == bench::scratch(3, 40));
}

}  // namespace ddpm::test
