// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/train/epoch_order.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <vector>

namespace ddpm::test {

namespace {

std::vector<ddpm::isize> epoch_of(epoch_order& order, ddpm::isize epoch, ddpm::isize samples) {
    std::vector<ddpm::isize> out;
    for (ddpm::isize i = 0; i < samples; ++i) {
        out.push_back(order[epoch * samples + i]);
    }
    return out;
}

}  // namespace

TEST_CASE("every epoch meets every sample once, in an order of its own", "[train]") {
    const ddpm::isize samples = GENERATE(ddpm::isize{1}, ddpm::isize{2}, ddpm::isize{100}, ddpm::isize{1797});
    epoch_order order(3, samples);
    std::vector<ddpm::isize> all(static_cast<std::size_t>(samples));
    std::iota(all.begin(), all.end(), ddpm::isize{0});
    const auto first = epoch_of(order, 0, samples), second = epoch_of(order, 1, samples);
    CHECK(std::is_permutation(first.begin(), first.end(), all.begin()));
    CHECK(std::is_permutation(second.begin(), second.end(), all.begin()));
    if (samples >= 100) {
        CHECK(first != second);
        CHECK(first != all);
        epoch_order other(4, samples);
        CHECK(epoch_of(other, 0, samples) != first);
    }
    // Any position by itself.
    epoch_order again(3, samples);
    CHECK(again[samples] == second.front());
    CHECK(again[samples - 1] == first.back());
}

TEST_CASE("every permutation of an epoch is about equally likely", "[train]") {
    std::array<int, 6> counts{};
    epoch_order order(1, 3);
    for (ddpm::isize epoch = 0; epoch < 6000; ++epoch) {
        const auto e = epoch_of(order, epoch, 3);
        ++counts[static_cast<std::size_t>(2 * e[0] + (e[1] > e[2] ? 1 : 0))];
    }
    for (const int count : counts) {
        CHECK(std::abs(count - 1000) < 150);  // five standard deviations
    }
}

TEST_CASE("an epoch needs samples", "[train]") {
    CHECK_THROWS_AS(epoch_order(1, 0), value_error);
    CHECK_THROWS_AS(epoch_order(1, -5), value_error);
}

}  // namespace ddpm::test
