// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/row_sums.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"

#include <array>
#include <cmath>

namespace ddpm::test {

TEMPLATE_TEST_CASE("row sums add the samples in their order, bit for bit on every target", "[kernels]", float, double) {
    using S = TestType;
    const auto size =
        GENERATE(std::array<ddpm::isize, 2>{1, 1}, std::array<ddpm::isize, 2>{5, 3}, std::array<ddpm::isize, 2>{37, 0},
                 std::array<ddpm::isize, 2>{67, 40}, std::array<ddpm::isize, 2>{3000, 50});
    const ddpm::isize rows = size[0], columns = size[1];
    const batch<S> memory = random_batch<S>(rows + 5, columns, 1), start = random_batch<S>(rows, 1, 2);
    const batch<S> x = memory.topRows(rows);
    batch<S> expected = start;
    for (ddpm::isize n = 0; n < columns; ++n) {
        for (ddpm::isize i = 0; i < rows; ++i) {
            expected(i, 0) += x(i, n);
        }
    }
    for_each_target([&] {
        batch<S> sums = start, strided = start;
        kernels::add_row_sums<S>(x, sums.data());
        CHECK((sums == expected).all());
        kernels::add_row_sums<S>(memory.topRows(rows), strided.data());
        CHECK((strided == expected).all());
    });
}

TEMPLATE_TEST_CASE("row sums keep their bound of roundings on every target", "[kernels]", float, double) {
    using S = TestType;
    random_numbers random;
    const batch<S> start = random.values<S>(37, 1);
    for (const ddpm::isize columns : {1, 2, 1000}) {
        const batch<S> x = random.values<S>(37, columns);
        for_each_target([&] {
            batch<S> sums = start;
            kernels::add_row_sums<S>(x, sums.data());
            bool right = true;
            for (ddpm::isize i = 0; i < 37; ++i) {
                long double exact = start(i), sum = std::abs(exact);
                for (ddpm::isize n = 0; n < columns; ++n) {
                    exact += x(i, n);
                    sum += std::abs(x(i, n));
                }
                right = right && within(sums(i), exact, roundings<S>(columns) * sum);
            }
            CHECK(right);
        });
    }
}

}  // namespace ddpm::test
