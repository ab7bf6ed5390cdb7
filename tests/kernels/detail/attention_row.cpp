// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/attention_row.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/stored_number.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <vector>

namespace ddpm::test {

namespace {

template <class T, class X>
void check_shares(isize size) {
    CAPTURE(size);
    std::vector<float> scores(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < scores.size(); ++i) {
        scores[i] = 10 * std::sin(static_cast<float>(i * i));
    }
    constexpr double scale = 0.3;
    const auto largest = static_cast<double>(*std::max_element(scores.begin(), scores.end()));
    std::vector<double> expected;
    double sum = 0;
    for (const float score : scores) {
        expected.push_back(std::exp(scale * (static_cast<double>(score) - largest)));
        sum += expected.back();
    }
    std::vector<X> shares(scores.size() + 1, stored_as<X>(9));
    kernels::detail::find_shares<T>(size, static_cast<float>(scale), scores.data(), shares.data());
    for (std::size_t i = 0; i < scores.size(); ++i) {
        const double bound = std::is_same_v<T, bfloat16> ? 0.0045 : 4e-6;
        REQUIRE(std::abs(static_cast<double>(number(shares[i])) - expected[i] / sum) <= bound * expected[i] / sum);
        REQUIRE((std::is_same_v<T, float> || number(shares[i]) == to_float(to_bfloat16(number(shares[i])))));
    }
    CHECK(number(shares.back()) == 9.0f);
}

}  // namespace

TEST_CASE("a row's shares are the softmax of its scores, on every target", "[kernels]") {
    for_each_target([] {
        for (const isize size : {1, 3, 4, 16, 17, 256, 300}) {
            check_shares<float, float>(size);
            check_shares<bfloat16, bfloat16>(size);
            check_shares<bfloat16, float>(size);
        }
        std::vector<float> scores(5, std::numeric_limits<float>::quiet_NaN());
        std::vector<float> shares(5);
        kernels::detail::find_shares<bfloat16>(5, 1, scores.data(), shares.data());
        CHECK(std::isnan(shares[0]));
    });
}

TEST_CASE("numbers are interleaved, on every target", "[kernels]") {
    for_each_target([] {
        for (const isize size : {1, 8, 15, 16, 32, 37}) {
            std::vector<bfloat16> even, odd;
            for (isize i = 0; i < size; ++i) {
                even.push_back(to_bfloat16(static_cast<float>(i)));
                odd.push_back(to_bfloat16(static_cast<float>(-i) - 0.5f));
            }
            std::vector<bfloat16> pairs(static_cast<std::size_t>(2 * size));
            kernels::detail::interleave(size, even.data(), odd.data(), pairs.data());
            for (std::size_t i = 0; i < even.size(); ++i) {
                REQUIRE(to_float(pairs[2 * i]) == to_float(even[i]));
                REQUIRE(to_float(pairs[2 * i + 1]) == to_float(odd[i]));
            }
        }
    });
}

}  // namespace ddpm::test
