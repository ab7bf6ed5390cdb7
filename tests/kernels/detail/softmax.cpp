// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/softmax.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"
#include "support/kernel_data.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("softmax gives what torch's gives", "[kernels]", float, double) {
    using S = TestType;
    const double tolerance = std::is_same_v<S, float> ? 1e-6 : 4e-15;
    const S x[] = {1, -2, S(0.5), 3, 0}, dp[] = {S(0.25), -1, 2, S(0.5), 1};
    constexpr std::array expected{0.18773196285497995, 0.04188866293681076, 0.14620579967899028, 0.5103083832496405,
                                  0.11386519127957857};
    constexpr std::array expected_dx{-0.03909286371715834, -0.03490321127737701, 0.09748452184368987,
                                     -0.04247687315857238, 0.018988426309417848};
    for_each_target([&] {
        S p[5], dx[5];
        const kernels::detail::softmax_normalizer<S> by = kernels::detail::softmax<S>(5, S(0.5), x, p);
        CHECK(by.largest == 3);
        CHECK(std::abs(static_cast<double>(by.inverse_sum) - expected[3]) <= tolerance);
        kernels::detail::softmax_backward<S>(5, S(0.5), p, dp, dx);
        for (std::size_t i = 0; i < 5; ++i) {
            CHECK(std::abs(static_cast<double>(p[i]) - expected[i]) <= tolerance);
            CHECK(std::abs(static_cast<double>(dx[i]) - expected_dx[i]) <= tolerance);
        }
    });
}

TEMPLATE_TEST_CASE("softmax and its gradient are their formulas on every target", "[kernels]", float, double) {
    using S = TestType;
    const double epsilon = static_cast<double>(std::numeric_limits<S>::epsilon());
    const auto shift = GENERATE(0.0, 300.0, -300.0);
    const S scale = S(1.75);
    for_each_target([&] {
        for (const ddpm::isize size : kernel_sizes) {
            if (size == 0) {
                continue;
            }
            CAPTURE(size, shift);
            unaligned_array<S> x(size), p(size, 1), again(size, 2), dp(size, 3), dx(size, 4);
            for (ddpm::isize i = 0; i < size; ++i) {
                x[i] = x[i] * S(4) + static_cast<S>(shift);
            }
            const kernels::detail::softmax_normalizer<S> by =
                kernels::detail::softmax<S>(size, scale, x.data(), p.data());
            kernels::detail::softmax_again<S>(size, scale, x.data(), by, again.data());
            kernels::detail::softmax_backward<S>(size, scale, p.data(), dp.data(), dx.data());

            long double largest = x[0], sum = 0, mean = 0;
            for (ddpm::isize i = 0; i < size; ++i) {
                largest = std::max<long double>(largest, x[i]);
            }
            for (ddpm::isize i = 0; i < size; ++i) {
                sum += std::exp(scale * (x[i] - largest));
                mean += static_cast<long double>(p[i]) * dp[i];
            }
            double worst = 0, worst_dx = 0, total = 0;
            for (ddpm::isize i = 0; i < size; ++i) {
                const long double exact = std::exp(scale * (x[i] - largest)) / sum;
                const long double exact_dx = scale * p[i] * (dp[i] - mean);
                worst = std::max(worst, static_cast<double>(std::abs(p[i] / exact - 1)));
                worst_dx = std::max(worst_dx, static_cast<double>(std::abs(dx[i] - exact_dx) / p[i]));
                total += static_cast<double>(p[i]);
            }
            CHECK(worst <= 60 * epsilon);  // exponents down to −28
            CHECK(std::equal(again.data(), again.data() + size, p.data()));
            CHECK(worst_dx <= 60 * epsilon);
            CHECK(std::abs(total - 1) <= 40 * epsilon);
            CHECK(by.largest == static_cast<S>(largest));
            CHECK(static_cast<double>(std::abs(by.inverse_sum * sum - 1)) <= 40 * epsilon);
            CHECK(p.guarded());
            CHECK(again.guarded());
            CHECK(dx.guarded());
            // In place.
            unaligned_array<S> y = x, d = dp;
            CHECK(kernels::detail::softmax<S>(size, scale, y.data(), y.data()).inverse_sum == by.inverse_sum);
            CHECK(std::equal(y.data(), y.data() + size, p.data()));
            kernels::detail::softmax_backward<S>(size, scale, p.data(), d.data(), d.data());
            CHECK(std::equal(d.data(), d.data() + size, dx.data()));
            kernels::detail::softmax_backward<S>(size, scale, y.data(), dp.data(), y.data());
            CHECK(std::equal(y.data(), y.data() + size, dx.data()));
            kernels::detail::softmax_again<S>(size, scale, x.data(), by, x.data());
            CHECK(std::equal(x.data(), x.data() + size, again.data()));
        }
    });
}

TEMPLATE_TEST_CASE("softmax has the documented values at the ends", "[kernels]", float, double) {
    using S = TestType;
    constexpr S inf = std::numeric_limits<S>::infinity(), nan = std::numeric_limits<S>::quiet_NaN();
    for_each_target([&] {
        for (const ddpm::isize size : {3, 16, 21, 50}) {
            for (const ddpm::isize place : {ddpm::isize{0}, size / 2, size - 1}) {
                std::vector<S> x(static_cast<std::size_t>(size), S(-1)), p(x);
                for (const S special : {nan, inf}) {
                    x[static_cast<std::size_t>(place)] = special;
                    CHECK(std::isnan(kernels::detail::softmax<S>(size, S(1), x.data(), p.data()).inverse_sum));
                    CHECK(std::isnan(p[static_cast<std::size_t>(place)]));
                }
                x[static_cast<std::size_t>(place)] = -inf;
                const kernels::detail::softmax_normalizer<S> by =
                    kernels::detail::softmax<S>(size, S(1), x.data(), p.data());
                CHECK(p[static_cast<std::size_t>(place)] == 0);
                CHECK(by.largest == -1);
                CHECK(std::abs(by.inverse_sum * static_cast<S>(size - 1) - S(1)) <= S(1e-5));
            }
            std::vector<S> x(static_cast<std::size_t>(size), -inf), p(x);
            CHECK(std::isnan(kernels::detail::softmax<S>(size, S(1), x.data(), p.data()).inverse_sum));
            CHECK(std::all_of(p.begin(), p.end(), [](S v) { return std::isnan(v); }));
        }
    });
}

TEST_CASE("the gradient of softmax is the central differences", "[kernels]") {
    batch<double> x = random_batch(37, 1, 1), p(37, 1), dx(37, 1);
    const batch<double> dp = random_batch(37, 1, 2);
    const auto loss = [&] {
        kernels::detail::softmax<double>(37, 0.8, x.data(), p.data());
        return (p * dp).sum();
    };
    static_cast<void>(loss());
    kernels::detail::softmax_backward<double>(37, 0.8, p.data(), dp.data(), dx.data());
    CHECK(gradient_error(elements(x), elements(dx), loss) < 1e-6);
}

}  // namespace ddpm::test
