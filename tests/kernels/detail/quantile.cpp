// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/detail/quantile.hpp>

#include "support/catch.hpp"
#include "support/kernel_data.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("quantiles lie between order statistics of |x|", "[kernels]", float, double) {
    using S = TestType;
    for (const isize size : kernel_sizes) {
        if (size == 0) {
            continue;
        }
        const unaligned_array<S> x(size, 1);
        std::vector<double> sorted;
        for (isize i = 0; i < size; ++i) {
            sorted.push_back(std::abs(static_cast<double>(x[i])));
        }
        std::sort(sorted.begin(), sorted.end());
        for (const double q : {0.0, 0.25, 0.5, 0.87, 0.995, 1.0}) {
            unaligned_array<S> scratch(size);
            const double rank = q * static_cast<double>(size - 1);
            const auto below = static_cast<std::size_t>(rank);
            const double next = sorted[std::min(below + 1, sorted.size() - 1)];
            const double expected = sorted[below] + (rank - std::floor(rank)) * (next - sorted[below]);
            INFO(size << " elements, q = " << q);
            CHECK(std::abs(static_cast<double>(kernels::detail::absolute_quantile(size, x.data(), q, scratch.data())) -
                           expected) <= 2 * static_cast<double>(std::numeric_limits<S>::epsilon()) * expected);
            CHECK(scratch.guarded());
        }
    }
}

// torch.quantile(x.abs(), q, dim=1) of x = [[-3, 1, 2, -10], [0.5, -0.25, 0.125, 4]].
TEMPLATE_TEST_CASE("quantiles are those of torch", "[kernels]", float, double) {
    using S = TestType;
    batch<S> x(4, 2);
    x << S(-3), S(0.5), S(1), S(-0.25), S(2), S(0.125), S(-10), S(4);
    batch<S> scratch(4, 2);
    std::vector<S> quantiles(2);
    const auto close = [](S got, double expected) { return std::abs(static_cast<double>(got) - expected) < 1e-6; };
    kernels::detail::absolute_quantiles<S>(x, 0.5, scratch, quantiles.data());
    CHECK(close(quantiles[0], 2.5));
    CHECK(close(quantiles[1], 0.375));
    kernels::detail::absolute_quantiles<S>(x, 0.9, scratch, quantiles.data());
    CHECK(close(quantiles[0], 7.9));
    CHECK(close(quantiles[1], 2.95));
    kernels::detail::absolute_quantiles<S>(x, 1, x, quantiles.data());  // the batch itself as scratch
    CHECK(quantiles[0] == S(10));
    CHECK(quantiles[1] == S(4));
}

TEMPLATE_TEST_CASE("a NaN makes the quantile of its column NaN, an infinity only reaches the top", "[kernels]", float,
                   double) {
    using S = TestType;
    batch<S> x = batch<S>::Ones(101, 2), scratch(101, 2);
    x(50, 0) = std::numeric_limits<S>::quiet_NaN();
    x(3, 1) = -std::numeric_limits<S>::infinity();
    std::vector<S> quantiles(2);
    kernels::detail::absolute_quantiles<S>(x, 0.5, scratch, quantiles.data());
    CHECK(std::isnan(quantiles[0]));
    CHECK(quantiles[1] == S(1));
    kernels::detail::absolute_quantiles<S>(x, 1, scratch, quantiles.data());
    CHECK(std::isnan(quantiles[0]));
    CHECK(quantiles[1] == std::numeric_limits<S>::infinity());
}

}  // namespace ddpm::test
