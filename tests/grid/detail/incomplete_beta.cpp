// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/grid/detail/incomplete_beta.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cmath>

namespace ddpm::test {
namespace {

bool near(double got, double expected, double relative) {
    return std::abs(got - expected) <= relative * std::abs(expected);
}

}  // namespace

// The expected values were computed with forty digits.

TEST_CASE("the incomplete beta function is accurate", "[grid]") {
    CHECK(near(detail::incomplete_beta(0.6, 0.6, 0.1), 0.17604725434603782115, 1e-13));
    CHECK(near(detail::incomplete_beta(0.6, 0.6, 0.5), 0.5, 1e-13));
    CHECK(near(detail::incomplete_beta(0.6, 0.6, 1e-6), 0.00017332842250601887288, 1e-13));
    CHECK(near(detail::incomplete_beta(2, 3, 0.4), 0.52480000000000003837, 1e-13));
    CHECK(near(detail::incomplete_beta(5, 0.5, 0.9), 0.3166429150200123125, 1e-13));
    CHECK(near(detail::incomplete_beta(0.1, 8, 0.001), 0.64447983109855424672, 1e-13));
    CHECK(near(detail::incomplete_beta(10, 10, 0.3), 0.032553356881300947854, 1e-13));
    CHECK(detail::incomplete_beta(0.6, 0.6, 0) == 0);
    CHECK(detail::incomplete_beta(0.6, 0.6, 1) == 1);
    for (const double x : {1e-9, 0.2, 0.7, 0.999}) {
        CHECK(near(detail::incomplete_beta(1, 1, x), x, 1e-13));
        CHECK(near(detail::incomplete_beta(3, 1, x), x * x * x, 1e-13));
    }
}

TEST_CASE("beta quantiles are accurate", "[grid]") {
    CHECK(near(detail::beta_quantile(0.6, 0.6, 0.1), 0.039584405588780851714, 1e-13));
    CHECK(near(detail::beta_quantile(0.6, 0.6, 0.5), 0.5, 1e-13));
    CHECK(near(detail::beta_quantile(0.6, 0.6, 1.0 / 9), 0.04709181754904245119, 1e-13));
    CHECK(near(detail::beta_quantile(0.6, 0.6, 8.0 / 9), 0.95290818245095751007, 1e-13));
    CHECK(near(detail::beta_quantile(0.6, 0.6, 1e-8), 8.6142433143977379092e-14, 1e-13));
    CHECK(near(detail::beta_quantile(2, 3, 0.25), 0.24302208375607630235, 1e-13));
    CHECK(near(detail::beta_quantile(5, 0.5, 0.3), 0.89327379508634005338, 1e-13));
    CHECK(near(detail::beta_quantile(0.1, 8, 0.2), 8.2308832418591480611e-9, 1e-13));
    CHECK(near(detail::beta_quantile(10, 10, 0.01), 0.2539530795145170334, 1e-13));
    CHECK(near(detail::beta_quantile(1, 1, 0.7), 0.7, 1e-13));
    CHECK(detail::beta_quantile(0.6, 0.6, 0) == 0);
    CHECK(detail::beta_quantile(0.6, 0.6, 1) == 1);
}

TEST_CASE("quantiles of extreme shapes run into the ends", "[grid]") {
    CHECK(detail::beta_quantile(0.0015, 4, 0.167) == 0);
    CHECK(detail::beta_quantile(240, 0.0017, 0.955) == 1);
    CHECK(detail::beta_quantile(0.44, 0.0012, 0.907) == 1);
}

TEST_CASE("quantile and distribution function are inverses and rise", "[grid]") {
    for (const double a : {0.05, 0.3, 0.6, 1.0, 2.5, 10.0, 300.0}) {
        for (const double b : {0.05, 0.3, 0.6, 1.0, 2.5, 10.0, 300.0}) {
            double before = 0;
            for (int i = 1; i < 20; ++i) {
                const double p = i / 20.0;
                CAPTURE(a, b, p);
                const double x = detail::beta_quantile(a, b, p);
                CHECK(x >= before);
                before = x;
                // Near 1, x in double says less than p: the next x must be beyond.
                const double low = detail::incomplete_beta(a, b, std::nextafter(x, 0.0));
                const double high = detail::incomplete_beta(a, b, std::nextafter(x, 1.0));
                CHECK(p >= low - 1e-12);
                CHECK(p <= high + 1e-12);
            }
        }
    }
}

}  // namespace ddpm::test
