// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/sliced_wasserstein.hpp>

#include <ddpm/core/parallel.hpp>
#include <ddpm/random/noise.hpp>

#include "support/catch.hpp"
#include "support/schedules.hpp"
#include "support/watched.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace ddpm::test {

TEST_CASE("W of sorted numbers is the distance of quantile functions", "[metrics]") {
    const auto w = [](const std::vector<double>& a, const std::vector<double>& b, double power) {
        return wasserstein_of_sorted(a, b, power);
    };
    CHECK(w({1, 2, 4}, {1, 2, 4}, 1) == 0);
    CHECK(std::abs(w({1, 2, 4}, {2, 4, 5}, 1) - 4.0 / 3) < 1e-15);
    CHECK(std::abs(w({1, 2, 4}, {2, 4, 5}, 2) - 2) < 1e-15);
    CHECK(std::abs(w({1, 2, 4}, {2, 4, 5}, 3) - 10.0 / 3) < 1e-14);
    // Sets of two sizes: {0, 1} against {0, 1/2, 1}: quantiles differ by 1/2 on the middle third.
    CHECK(std::abs(w({0, 1}, {0, 0.5, 1}, 1) - 1.0 / 6) < 1e-15);
    CHECK(std::abs(w({0, 0, 1, 1}, {0, 1}, 2)) < 1e-15);
    CHECK_THROWS_AS(w({}, {1}, 1), value_error);
}

TEST_CASE("W of sorted numbers has the accuracy that it states", "[metrics]") {
    for (const auto& [n, m] : {std::pair<isize, isize>{1, 1}, {3, 7}, {40, 40}, {300, 77}}) {
        const batch<double> x = pattern<double>(1, n, 1), y = pattern<double>(1, m, 2);
        std::vector<double> a(x.data(), x.data() + n), b(y.data(), y.data() + m);
        std::sort(a.begin(), a.end());
        std::sort(b.begin(), b.end());
        for (const double power : {1.0, 2.0}) {
            long double sum = 0;
            for (isize k = 0; k < n * m; ++k) {  // of n · m equal steps
                const long double difference = static_cast<long double>(a[static_cast<std::size_t>(k / m)]) -
                                               static_cast<long double>(b[static_cast<std::size_t>(k / n)]);
                sum += std::pow(std::abs(difference), static_cast<long double>(power));
            }
            const long double exact = sum / static_cast<long double>(n * m);
            CHECK(std::abs(static_cast<long double>(wasserstein_of_sorted(a, b, power)) - exact) <=
                  static_cast<long double>(n + m + 4) * 0x1p-53L * exact);
        }
    }
}

TEMPLATE_TEST_CASE("a shift along the line is found, and in the mean over directions", "[metrics]", float, double) {
    using S = TestType;
    const batch<S> a = pattern<S>(2, 50, 1);
    batch<S> shifted = a;
    shifted.row(0) += S(3);
    CHECK(sliced_wasserstein(a, a) == 0);
    // The mean of (3 cos)² over directions of the plane is 9/2; of 4,000 directions it is known to 1.1 % (one standard
    // error).
    const double distance = sliced_wasserstein(a, shifted, {.directions = 4000});
    CHECK(std::abs(distance / std::sqrt(4.5) - 1) < 0.03);
    // One dimension has one line.
    const batch<S> line = pattern<S>(1, 20, 1);
    CHECK(std::abs(sliced_wasserstein(line, (line + S(2)).eval(), {.directions = 3, .power = 1}) - 2) < 1e-6);
    CHECK(std::abs(sliced_wasserstein(a, shifted) - sliced_wasserstein(shifted, a)) < 1e-12);
}

TEST_CASE("equal distributions come closer with the number of samples", "[metrics]") {
    const auto distance = [](isize count) {
        batch<double> a(3, count), b(3, count);
        const philox_noise noise(1, noise_stream::sampler);
        noise.normal(batch_view<double>(a), 0);
        noise.normal(batch_view<double>(b), 1);
        return sliced_wasserstein(a, b);
    };
    CHECK(distance(10000) < distance(100) / 4);
    CHECK(distance(10000) < 0.05);
}

TEST_CASE("sliced_wasserstein does not depend on the thread count", "[metrics]") {
    const batch<double> a = pattern<double>(3, 40, 1), b = pattern<double>(3, 60, 2);
    set_thread_count(1);
    const double expected = sliced_wasserstein(a, b);
    set_thread_count(3);
    CHECK(sliced_wasserstein(a, b) == expected);
    set_thread_count(0);
    CHECK(sliced_wasserstein(a, b, {.seed = 1}) != expected);
}

TEST_CASE("sliced_wasserstein: what cannot be compared is an error", "[metrics]") {
    const batch<double> a = pattern<double>(3, 4, 1);
    CHECK_THROWS_AS(sliced_wasserstein(a, pattern<double>(2, 4, 1)), shape_error);
    CHECK_THROWS_AS(sliced_wasserstein(a, batch<double>(3, 0)), value_error);
    CHECK_THROWS_AS(sliced_wasserstein(a, a, {.directions = 0}), value_error);
    CHECK_THROWS_AS(sliced_wasserstein(a, a, {.power = 0.5}), value_error);
    CHECK_THROWS_AS(sliced_wasserstein(batch<double>(0, 4), batch<double>(0, 4)), value_error);
    CHECK_THROWS_AS(sliced_wasserstein(a, a, {.directions = (isize{1} << 32) + 1}), value_error);
    for (const double power : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_AS(sliced_wasserstein(a, a, {.power = power}), value_error);
    }
}

TEST_CASE("the sliced Wasserstein distance of values that are not finite is NaN", "[metrics]") {
    const batch<double> a = pattern<double>(3, 40, 1);
    for (const double value : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        batch<double> bad = a;
        bad(1, 2) = value;
        CHECK(std::isnan(sliced_wasserstein(a, bad)));
        CHECK(std::isnan(sliced_wasserstein(bad, a)));
    }
}

TEST_CASE("the sliced Wasserstein distance may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            return {sliced_wasserstein(a, b, {.directions = 40, .progress = progress})};
        },
        3);
}

}  // namespace ddpm::test
