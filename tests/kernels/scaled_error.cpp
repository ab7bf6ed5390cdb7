// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/scaled_error.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the scaled error is its sixteen sums, bit for bit on every target", "[kernels]", float, double) {
    using S = TestType;
    const ddpm::index size =
        GENERATE(ddpm::index{0}, ddpm::index{1}, ddpm::index{16}, ddpm::index{17}, ddpm::index{1003});
    batch<S> a = random_batch<S>(size, 1, 1);
    const batch<S> b = random_batch<S>(size, 1, 2), x = random_batch<S>(size, 1, 3);
    const kernels::error_tolerance tolerance{0.1, 0.2};
    std::array<double, 16> sums{};
    for (ddpm::index i = 0; i < size; ++i) {
        const S low = a(i, 0), high = b(i, 0), largest = std::max(std::abs(low), std::abs(x(i, 0)));
        const double error = static_cast<double>((low - high) / std::max(S(0.1), S(0.2) * largest));
        const double square = error * error;
        sums[static_cast<std::size_t>(i % 16)] += square;
    }
    double expected = 0;
    for (const double sum : sums) {
        expected += sum;
    }
    for_each_target([&] {
        CHECK(kernels::scaled_error(size, a.data(), b.data(), x.data(), tolerance) == expected);
        if (size > 0) {
            const S kept = a(size - 1, 0);
            a(size - 1, 0) = std::numeric_limits<S>::quiet_NaN();
            CHECK(std::isnan(kernels::scaled_error(size, a.data(), b.data(), x.data(), tolerance)));
            a(size - 1, 0) = kept;
        }
    });
}

}  // namespace ddpm::test
