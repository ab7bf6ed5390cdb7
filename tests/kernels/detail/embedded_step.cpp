// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/embedded_step.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/kernel_data.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace ddpm::test {

TEMPLATE_TEST_CASE("an embedded step is its two ends and sixteen sums, bit for bit on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    const isize size = GENERATE(isize{0}, isize{1}, isize{15}, isize{16}, isize{17}, isize{1003});
    const bool given = GENERATE(false, true);
    const batch<S> x = random_batch<S>(size, 1, 1), eps = random_batch<S>(size, 1, 2), u = random_batch<S>(size, 1, 3);
    const batch<S> before = random_batch<S>(size, 1, 4);
    batch<S> p = random_batch<S>(size, 1, 5);
    const kernels::detail::embedded_step<S> step{.from = S(0.3),
                                                 .value = S(-0.7),
                                                 .low = {S(0.9), S(-0.2), S(0.05)},
                                                 .high = {S(0.8), S(-0.1), S(0.15)},
                                                 .tolerance = {0.1, 0.2}};
    batch<S> high(size, 1);
    std::array<double, 16> sums{};
    for (isize i = 0; i < size; ++i) {
        const S later = rounded(step.from, u(i, 0)) + rounded(step.value, p(i, 0));
        const auto end = [&](const kernels::detail::step_end<S>& c) {
            return rounded(c.x, x(i, 0)) + rounded(c.eps, eps(i, 0)) + rounded(c.later, later);
        };
        const S low = given ? before(i, 0) : end(step.low);
        high(i, 0) = end(step.high);
        const S largest = std::max(std::abs(low), std::abs(x(i, 0)));
        const double error = static_cast<double>((low - high(i, 0)) / std::max(S(0.1), S(0.2) * largest));
        sums[static_cast<std::size_t>(i % 16)] += rounded(error, error);
    }
    double expected = 0;
    for (const double sum : sums) {
        expected += sum;
    }
    for_each_target([&] {
        batch<S> got(size + 1, 1), old = batch<S>::Constant(size + 1, 1, S(7));
        const auto take = [&] {
            got << x, S(7);
            return kernels::detail::take_embedded_step<S>(size, step, got.data(), eps.data(), u.data(), p.data(),
                                                          given ? before.data() : nullptr, old.data());
        };
        CHECK(take() == expected);
        CHECK((got.topRows(size) == high).all());
        CHECK((old.topRows(size) == x).all());
        CHECK(got(size, 0) == S(7));
        CHECK(old(size, 0) == S(7));
        if (size > 0) {
            const S kept = p(size - 1, 0);
            p(size - 1, 0) = std::numeric_limits<S>::quiet_NaN();
            CHECK(std::isnan(take()));
            p(size - 1, 0) = kept;
        }
    });
}

}  // namespace ddpm::test
