// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/error.hpp>
#include <ddpm/nn/detail/concatenate.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace ddpm::test {
namespace {

/// Maps of channels × height × 5 × samples in a batch of that many numbers.
nn::feature_map<double> joined_map(batch<double>& of, isize channels, isize height, isize samples) {
    REQUIRE(of.size() == channels * height * 5 * samples);
    return {of.data(), channels, height, 5, samples};
}

}  // namespace

TEST_CASE("joined maps have the channels of both, the first map's first, and are parted into them", "[nn]") {
    batch<double> a = random_batch(2 * 4 * 5, 3, 1), b = random_batch(3 * 4 * 5, 3, 2), both(5 * 4 * 5, 3);
    nn::detail::concatenate<double>(joined_map(a, 2, 4, 3), joined_map(b, 3, 4, 3), joined_map(both, 5, 4, 3));
    for (isize n = 0; n < 3; ++n) {
        for (isize pixel = 0; pixel < 20; ++pixel) {
            CHECK((both.col(n).segment(5 * pixel, 2) == a.col(n).segment(2 * pixel, 2)).all());
            CHECK((both.col(n).segment(5 * pixel + 2, 3) == b.col(n).segment(3 * pixel, 3)).all());
        }
    }
    batch<double> first(a.rows(), 3), second(b.rows(), 3);
    nn::detail::separate<double>(joined_map(both, 5, 4, 3), joined_map(first, 2, 4, 3), joined_map(second, 3, 4, 3));
    CHECK((first == a).all());
    CHECK((second == b).all());
}

TEST_CASE("maps that do not fit are neither joined nor parted", "[nn]") {
    const auto both_ways = [](isize channels, isize height, isize samples, isize height_of_second,
                              isize samples_of_second) {
        CAPTURE(channels, height, samples, height_of_second, samples_of_second);
        batch<double> a = random_batch(2 * 4 * 5, 3, 1),
                      b = random_batch(3 * height_of_second * 5, samples_of_second, 2),
                      both = random_batch(channels * height * 5, samples, 3);
        const batch<double> a_before = a, b_before = b, both_before = both;
        const auto map_a = joined_map(a, 2, 4, 3), map_b = joined_map(b, 3, height_of_second, samples_of_second),
                   map_both = joined_map(both, channels, height, samples);
        CHECK_THROWS_AS(nn::detail::concatenate<double>(map_a, map_b, map_both), shape_error);
        CHECK_THROWS_AS(nn::detail::separate<double>(map_both, map_a, map_b), shape_error);
        CHECK(((a == a_before).all() && (b == b_before).all() && (both == both_before).all()));
    };
    both_ways(6, 4, 3, 4, 3);
    both_ways(4, 4, 3, 4, 3);
    both_ways(5, 3, 3, 4, 3);
    both_ways(5, 4, 2, 4, 3);
    both_ways(5, 4, 3, 3, 3);
    both_ways(5, 4, 3, 4, 2);
}

}  // namespace ddpm::test
