// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/inner_product.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <array>
#include <cmath>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the inner product is its sixteen sums, bit for bit on every target", "[kernels]", float, double) {
    using S = TestType;
    const ddpm::isize size =
        GENERATE(ddpm::isize{0}, ddpm::isize{1}, ddpm::isize{16}, ddpm::isize{17}, ddpm::isize{1003});
    const batch<S> x = random_batch<S>(size, 1, 1), y = random_batch<S>(size, 1, 2);
    std::array<double, 16> sums{};
    for (ddpm::isize i = 0; i < size; ++i) {
        const double product = static_cast<double>(x(i, 0)) * static_cast<double>(y(i, 0));
        sums[static_cast<std::size_t>(i % 16)] += product;
    }
    double expected = 0;
    for (const double sum : sums) {
        expected += sum;
    }
    for_each_target([&] { CHECK(kernels::detail::inner_product(size, x.data(), y.data()) == expected); });
}

TEMPLATE_TEST_CASE("columns have their inner products, short, long, strided and none", "[kernels]", float, double) {
    using S = TestType;
    for (const ddpm::isize rows : {0, 5, 1003, 40000}) {
        const batch<S> x = random_batch<S>(rows + 3, 4, 3), y = random_batch<S>(rows, 4, 4);
        std::vector<double> sums(4, -1);
        kernels::detail::column_inner_products<S>(
            batch_view<const S>(x).middle_rows(0, rows), y,
            [&](ddpm::isize n, double sum) { sums[static_cast<std::size_t>(n)] = sum; });
        for (ddpm::isize n = 0; n < 4; ++n) {
            const double expected =
                (x.topRows(rows).col(n).template cast<double>() * y.col(n).template cast<double>()).sum();
            INFO(rows << " rows, column " << n);
            CHECK(std::abs(sums[static_cast<std::size_t>(n)] - expected) < 1e-12 * static_cast<double>(rows + 1));
        }
    }
}

}  // namespace ddpm::test
