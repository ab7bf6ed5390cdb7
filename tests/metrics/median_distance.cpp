// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/median_distance.hpp>

#include "metrics/sample_sets.hpp"
#include "support/catch.hpp"
#include "support/watched.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

template <class X, class Y>
double plain_median(const X& x, const Y& y) {
    batch<double> all(x.rows(), x.cols() + y.cols());
    all << x.template cast<double>(), y.template cast<double>();
    std::vector<double> distances;
    for (isize n = 0; n < all.cols(); ++n) {
        for (isize m = 0; m < n; ++m) {
            distances.push_back(std::sqrt(plain_squared_distance(all, n, all, m)));
        }
    }
    std::sort(distances.begin(), distances.end());
    const std::size_t half = distances.size() / 2;
    return distances.size() % 2 == 1 ? distances[half] : (distances[half] + distances[half - 1]) / 2;
}

}  // namespace

TEST_CASE("the median distance agrees with numpy", "[metrics]") {
    CHECK(std::abs(median_distance(waves(4, 50, 0), waves(4, 40, 1)) - 2.025681775483856) < 1e-10);
}

TEMPLATE_TEST_CASE("the median distance agrees with its definition", "[metrics]", float, double) {
    // An odd and an even number of pairs, sets within and beyond a chunk and a block.
    for (const auto& [n, m] : {std::pair<isize, isize>{2, 1}, {1, 2}, {2, 2}, {70, 1}, {1, 70}, {300, 290}}) {
        const batch<TestType> x = gaussian_samples<TestType>(3, n, 1), y = gaussian_samples<TestType>(3, m, 2, 1);
        CHECK(std::abs(median_distance(x, y) - plain_median(x, y)) < 1e-12);
    }
}

TEST_CASE("the median distance of large sets is that of every k-th sample", "[metrics]") {
    const batch<double> x = gaussian_samples(2, 11, 1), y = gaussian_samples(2, 10, 2);
    // k = ⌈21 / 8⌉ = 3.
    batch<double> thin_x(2, 4), thin_y(2, 4);
    for (isize n = 0; n < 4; ++n) {
        thin_x.col(n) = x.col(3 * n);
        thin_y.col(n) = y.col(3 * n);
    }
    CHECK(std::abs(median_distance(x, y, 8) - plain_median(thin_x, thin_y)) < 1e-14);
    CHECK(std::abs(median_distance(x, y, 21) - plain_median(x, y)) < 1e-14);
    CHECK(std::abs(median_distance(x, y, 2) - std::sqrt(plain_squared_distance(x, 0, y, 0))) < 1e-14);
    const batch_view<const double> upper = batch_view<const double>(x).middle_rows(0, 1);
    CHECK(std::abs(median_distance(upper, y.topRows(1), 8) - plain_median(thin_x.topRows(1), thin_y.topRows(1))) <
          1e-14);
}

TEST_CASE("the median distance of values that are not finite is NaN", "[metrics]") {
    batch<double> x = gaussian_samples(3, 10, 1);
    x(1, 2) = std::numeric_limits<double>::quiet_NaN();
    CHECK(std::isnan(median_distance(x, gaussian_samples(3, 10, 1))));
}

TEST_CASE("the median distance refuses what has none", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 4, 1);
    CHECK_THROWS_AS(median_distance(x, gaussian_samples(2, 4, 1)), shape_error);
    CHECK_THROWS_AS(median_distance(batch<double>(0, 4), batch<double>(0, 4)), value_error);
    CHECK_THROWS_AS(median_distance(x, x.leftCols(0)), value_error);
    CHECK_THROWS_AS(median_distance(x, x, 1), value_error);
}

TEST_CASE("the median distance may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            return {median_distance(a, b, 3000, progress)};
        },
        6);
}

}  // namespace ddpm::test
