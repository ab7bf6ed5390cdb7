// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/kernels/detail/gaussian_kl.hpp>

#include <ddpm/core/parallel.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/kernel_data.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

/// In long double, with the difference of the variances as S has it.
template <class S>
long double exact_kl(S m1, S lv1, S m2, S lv2) {
    const long double d = lv1 - lv2, difference = m1 - m2;
    const long double excess = std::abs(d) < 1e-3L
                                   ? d * d * (0.5L + d * (1 / 6.0L + d * (1 / 24.0L + d * (1 / 120.0L + d / 720))))
                                   : std::expm1(d) - d;
    return 0.5L * (excess + difference * difference * std::exp(static_cast<long double>(-lv2)));
}

}  // namespace

TEMPLATE_TEST_CASE("the divergence of one element is accurate, also where the variances are nearly equal", "[kernels]",
                   float, double) {
    using S = TestType;
    const double ulp = static_cast<double>(std::numeric_limits<S>::epsilon());
    for_each_target([&] {
        double worst = 0;
        for (int k = -2000; k <= 2000; ++k) {
            for (const S gap : {S(0), S(1e-6), S(1e-3), S(0.05), S(0.3399), S(0.3401), S(1), S(5), S(20)}) {
                const S lv2 = static_cast<S>(k) / S(200), lv1 = lv2 + (k % 2 == 0 ? gap : -gap);
                const S m1 = static_cast<S>(k % 7) / S(3), m2 = S(1);
                S kl = -1;
                kernels::detail::gaussian_kl<S>({&m1, 1, 1}, {&lv1, 1, 1}, {&m2, 1, 1}, {&lv2, 1, 1}, &kl);
                const auto exact = static_cast<double>(exact_kl(m1, lv1, m2, lv2));
                worst = std::max(worst, std::abs(static_cast<double>(kl) - exact) / (exact * ulp + 1e-300));
            }
        }
        CHECK(worst < 12);
    });
}

TEMPLATE_TEST_CASE("the divergences of columns are sums, with variances shared or not", "[kernels]", float, double) {
    using S = TestType;
    const auto check = [](isize rows, isize columns) {
        const unaligned_array<S> m1(rows * columns, 1), m2(rows * columns, 2), lv1(columns, 3), lv2(columns, 4);
        unaligned_array<S> full1(rows * columns), full2(rows * columns);
        for (isize i = 0; i < rows * columns; ++i) {
            full1[i] = lv1[i / rows];
            full2[i] = lv2[i / rows];
        }
        const auto wide = [&](const unaligned_array<S>& a) { return batch_view<const S>(a.data(), rows, columns); };
        const auto flat = [&](const unaligned_array<S>& a) { return batch_view<const S>(a.data(), 1, columns); };
        unaligned_array<S> kl(columns, 5), other(columns, 6);
        kernels::detail::gaussian_kl(wide(m1), flat(lv1), wide(m2), flat(lv2), kl.data());
        bool accurate = kl.guarded();
        for (isize n = 0; n < columns; ++n) {
            long double sum = 0;
            for (isize i = 0; i < rows; ++i) {
                sum += exact_kl(m1[n * rows + i], lv1[n], m2[n * rows + i], lv2[n]);
            }
            const auto expected = static_cast<double>(sum);
            accurate = accurate && std::abs(static_cast<double>(kl[n]) - expected) <=
                                       static_cast<double>(std::numeric_limits<S>::epsilon()) * expected *
                                           (12 + static_cast<double>(rows) / 400);
        }
        INFO(rows << " x " << columns);
        CHECK(accurate);
        const auto equal = [&] {
            bool all = true;
            for (isize n = 0; n < columns; ++n) {
                all = all && kl[n] == other[n];
            }
            return all;
        };
        kernels::detail::gaussian_kl(wide(m1), wide(full1), wide(m2), wide(full2), other.data());
        CHECK(equal());
        kernels::detail::gaussian_kl(wide(m1), flat(lv1), wide(m2), wide(full2), other.data());
        CHECK(equal());
        kernels::detail::gaussian_kl(wide(m1), wide(full1), wide(m2), flat(lv2), other.data());
        CHECK(equal());
        set_thread_count(3);
        kernels::detail::gaussian_kl(wide(m1), flat(lv1), wide(m2), flat(lv2), other.data());
        CHECK(equal());
        set_thread_count(0);
    };
    for_each_target([&] {
        for (const isize rows : kernel_sizes) {
            check(rows, 2);
        }
        check(3, 0);
        check(5, 8000);
        check(40000, 2);
    });
}

TEST_CASE("a NaN reaches the divergence of its own column only", "[kernels]") {
    for_each_target([] {
        for (const isize at : {0, 18}) {
            batch<float> m1 = batch<float>::Zero(19, 3);
            const batch<float> m2 = batch<float>::Ones(19, 3), lv = batch<float>::Zero(1, 3);
            m1(at, 1) = std::numeric_limits<float>::quiet_NaN();
            std::array<float, 3> kl{};
            kernels::detail::gaussian_kl<float>(m1, lv, m2, lv, kl.data());
            CHECK(kl[0] == 9.5F);
            CHECK(std::isnan(kl[1]));
            CHECK(kl[2] == 9.5F);
        }
    });
}

}  // namespace ddpm::test
