// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/precision_recall.hpp>

#include <ddpm/core/parallel.hpp>

#include "metrics/sample_sets.hpp"
#include "support/catch.hpp"
#include "support/watched.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

namespace {

template <class X, class Y>
double plain_share(const X& points, const Y& set, isize k) {
    isize among = 0;
    for (isize n = 0; n < points.cols(); ++n) {
        bool inside = false;
        for (isize m = 0; m < set.cols() && !inside; ++m) {
            inside = plain_squared_distance(points, n, set, m) <= plain_kth_squared(set, m, k);
        }
        among += inside ? 1 : 0;
    }
    return static_cast<double>(among) / static_cast<double>(points.cols());
}

}  // namespace

TEST_CASE("precision and recall agree with numpy", "[metrics]") {
    const batch<double> samples = waves(4, 50, 0), real = waves(4, 40, 1);
    const auto [precision_1, recall_1] = precision_recall(samples, real, 1);
    CHECK(std::abs(precision_1 - 0.56) < 1e-15);
    CHECK(std::abs(recall_1 - 0.55) < 1e-15);
    const auto [precision_3, recall_3] = precision_recall(samples, real);
    CHECK(std::abs(precision_3 - 0.96) < 1e-15);
    CHECK(std::abs(recall_3 - 0.95) < 1e-15);
}

TEST_CASE("precision and recall on a line", "[metrics]") {
    batch<double> real(1, 3), samples(1, 4);
    real << 0, 1, 10;
    samples << 2, 3, 19.5, 30;
    const auto [precision, recall] = precision_recall(samples, real, 1);
    // The real ones reach over [−1, 1], [0, 2] and [1, 19]: 2, on a border, and 3 are inside.
    CHECK(precision == 0.5);
    // The samples reach over [1, 3], [2, 4], [9, 30] and [19.5, 40.5]: 1, on a border, and 10 are inside.
    CHECK(std::abs(recall - 2.0 / 3) < 1e-15);
}

TEST_CASE("a border is within, one unit in the last place outside is not", "[metrics]") {
    batch<double> real(1, 2), samples(1, 2);
    real << 0, 1;
    samples << -1, std::nextafter(-1.0, -2.0);
    CHECK(precision_recall(samples, real, 1).precision == 0.5);
    samples << 2, std::nextafter(2.0, 3.0);
    CHECK(precision_recall(samples, real, 1).precision == 0.5);
}

TEMPLATE_TEST_CASE("precision and recall agree with their definition over chunks, blocks and slabs", "[metrics]", float,
                   double) {
    const batch<TestType> samples = gaussian_samples<TestType>(3, 150, 1, 0.7);
    const batch<TestType> real = gaussian_samples<TestType>(3, 301, 2, 0, 1.5);
    for (const isize k : {1, 3, 10}) {
        const auto [precision, recall] = precision_recall(samples, real, k);
        CHECK(precision == plain_share(samples, real, k));
        CHECK(recall == plain_share(real, samples, k));
    }
    const batch<TestType> wide = gaussian_samples<TestType>(1100, 40, 3),
                          other = gaussian_samples<TestType>(1100, 30, 4, 0, 0.98);
    const auto [precision, recall] = precision_recall(wide, other, 2);
    CHECK(precision == plain_share(wide, other, 2));
    CHECK(recall == plain_share(other, wide, 2));
}

TEST_CASE("a set lies among itself, far from the others or not, and apart sets lie not", "[metrics]") {
    const batch<float> x = gaussian_samples<float>(5, 300, 1) + 1000.0F;
    const auto [precision, recall] = precision_recall(x, x);
    CHECK(precision == 1);
    CHECK(recall == 1);
    const auto [none, nothing] = precision_recall(x, x + 100);
    CHECK(none == 0);
    CHECK(nothing == 0);
    // Half of the real samples are covered, and all that is made is real.
    batch<float> two(5, 600);
    two << x, x + 100;
    const auto [all, half] = precision_recall(x, two);
    CHECK(all == 1);
    CHECK(half == 0.5);
}

TEST_CASE("precision and recall keep under rotation, scale, shift and order", "[metrics]") {
    const batch<double> samples = gaussian_samples(4, 90, 1), real = gaussian_samples(4, 80, 2, 1, 1.5);
    const Eigen::MatrixXd turn = rotation(4);
    const auto [precision, recall] = precision_recall(samples, real);
    CHECK((precision > 0 && precision < 1 && recall > 0 && recall < 1));
    for (const auto& [p, r] : {precision_recall((turn * samples.matrix()).array(), (turn * real.matrix()).array()),
                               precision_recall(7 * samples - 3, 7 * real - 3),
                               precision_recall(samples.rowwise().reverse(), real.rowwise().reverse())}) {
        CHECK(p == precision);
        CHECK(r == recall);
    }
    const auto [swapped_precision, swapped_recall] = precision_recall(real, samples);
    CHECK(swapped_precision == recall);
    CHECK(swapped_recall == precision);
}

TEST_CASE("precision and recall do not depend on the thread count", "[metrics]") {
    const batch<double> samples = gaussian_samples(4, 300, 1), real = gaussian_samples(4, 200, 2, 1, 1.5);
    set_thread_count(1);
    const auto [precision, recall] = precision_recall(samples, real);
    set_thread_count(3);
    const auto [p, r] = precision_recall(samples, real);
    set_thread_count(0);
    CHECK(p == precision);
    CHECK(r == recall);
}

TEST_CASE("precision and recall of values that are not finite are NaN", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 10, 1);
    batch<double> bad = x;
    bad(1, 2) = std::numeric_limits<double>::infinity();
    for (const auto& [precision, recall] : {precision_recall(bad, x), precision_recall(x, bad)}) {
        CHECK(std::isnan(precision));
        CHECK(std::isnan(recall));
    }
}

TEST_CASE("precision and recall refuse what has too few neighbours", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 10, 1);
    CHECK_THROWS_AS(precision_recall(x, gaussian_samples(2, 10, 1)), shape_error);
    CHECK_THROWS_AS(precision_recall(batch<double>(0, 10), batch<double>(0, 10)), value_error);
    CHECK_THROWS_AS(precision_recall(x, x, 0), value_error);
    CHECK_THROWS_AS(precision_recall(x, x, 10), value_error);
    CHECK_THROWS_AS(precision_recall(x.leftCols(3), x, 3), value_error);
    CHECK_THROWS_AS(precision_recall(x, x.leftCols(3), 3), value_error);
    CHECK_THROWS_AS(precision_recall(x, x.leftCols(1), 1), value_error);
}

TEST_CASE("precision and recall may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const auto result = precision_recall(a, b, 3, progress);
            return {result.precision, result.recall};
        },
        8);
}

}  // namespace ddpm::test
