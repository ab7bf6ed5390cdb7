// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/kernels/detail/store_block.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/stored_number.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm::test {

namespace {

template <class T>
void check_store(isize rows, isize row_pixels, isize outputs, bool adds, bool measures) {
    CAPTURE(rows, row_pixels, outputs, adds, measures);
    constexpr isize width = 32, pixel = 50;
    const isize pixels = rows * row_pixels, sums_row = row_pixels + 2, out_row = row_pixels * pixel + 7;
    const auto at = [](isize i) { return static_cast<std::size_t>(i); };
    std::vector<float> sums(at(rows * sums_row * width)), bias(at(width)), moments(at(2 * width), -3.0f);
    std::vector<T> added(at(rows * out_row)), out(at(rows * out_row), stored_as<T>(9));
    for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] = 100 + std::sin(static_cast<float>(i));
    }
    for (std::size_t i = 0; i < bias.size(); ++i) {
        bias[i] = std::cos(static_cast<float>(i));
    }
    for (std::size_t i = 0; i < added.size(); ++i) {
        added[i] = stored_as<T>(std::sin(static_cast<float>(2 * i)));
    }
    kernels::detail::store_block_body<T>()({sums.data(), rows, sums_row, row_pixels, outputs, bias.data(),
                                            adds ? added.data() : nullptr, 0.5f, out.data(), pixel, out_row,
                                            measures ? moments.data() : nullptr});
    const auto place = [&](isize p) { return p / row_pixels * out_row + p % row_pixels * pixel; };
    for (isize o = 0; o < pixel; ++o) {
        double mean = 0, squares = 0;
        for (isize p = 0; p < pixels; ++p) {
            const float stored = number(out[at(place(p) + o)]);
            if (o >= outputs) {
                REQUIRE(stored == number(stored_as<T>(9)));
                continue;
            }
            const float sum = sums[at((p / row_pixels * sums_row + p % row_pixels) * width + o)] + bias[at(o)];
            REQUIRE(stored == number(stored_as<T>((adds ? sum + number(added[at(place(p) + o)]) : sum) * 0.5f)));
            mean += static_cast<double>(stored) / static_cast<double>(pixels);
        }
        for (isize p = 0; p < pixels && o < outputs; ++p) {
            const double difference = static_cast<double>(number(out[at(place(p) + o)])) - mean;
            squares += difference * difference;
        }
        if (o < outputs && measures) {
            REQUIRE(std::abs(static_cast<double>(moments[at(o)]) - mean) <= 4e-6);  // an ulp of the values
            REQUIRE(std::abs(static_cast<double>(moments[at(width + o)]) - squares) <= 1e-4 * (squares + 1e-3));
        }
    }
    if (!measures) {
        CHECK(moments[0] == -3.0f);
    }
}

}  // namespace

TEMPLATE_TEST_CASE("a block's results are stored, rounded once, with their moments", "[kernels]", float, bfloat16) {
    for_each_target([] {
        for (const isize outputs : {1, 3, 8, 16, 17, 31, 32}) {
            check_store<TestType>(1, 7, outputs, true, true);
            check_store<TestType>(4, 12, outputs, false, true);
            check_store<TestType>(1, 1, outputs, true, false);
        }
    });
}

}  // namespace ddpm::test
