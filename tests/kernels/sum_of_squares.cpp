// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/sum_of_squares.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"

#include <array>
#include <cmath>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the sum of squares is its sixteen sums, bit for bit on every target", "[kernels]", float, double) {
    using S = TestType;
    const ddpm::isize size =
        GENERATE(ddpm::isize{0}, ddpm::isize{1}, ddpm::isize{16}, ddpm::isize{17}, ddpm::isize{1003});
    const batch<S> x = random_batch<S>(size, 1, 1);
    std::array<double, 16> sums{};
    for (ddpm::isize i = 0; i < size; ++i) {
        const double wide = static_cast<double>(x(i, 0)), square = wide * wide;
        sums[static_cast<std::size_t>(i % 16)] += square;
    }
    double expected = 0;
    for (const double sum : sums) {
        expected += sum;
    }
    for_each_target([&] { CHECK(kernels::sum_of_squares(size, x.data()) == expected); });
}

TEMPLATE_TEST_CASE("the sum of squares keeps its bound of roundings on every target", "[kernels]", float, double) {
    using S = TestType;
    random_numbers random;
    for (const ddpm::isize size : {1, 2, 17, 1003, 100003}) {
        const batch<S> x = random.values<S>(size, 1);
        long double exact = 0;
        for (ddpm::isize i = 0; i < size; ++i) {
            exact += static_cast<long double>(x(i)) * x(i);
        }
        const long double count = static_cast<long double>(size) / 16 + 16;
        for_each_target(
            [&] { CHECK(within(kernels::sum_of_squares(size, x.data()), exact, roundings<double>(count) * exact)); });
    }
}

}  // namespace ddpm::test
