// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/density_coverage.hpp>

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
density_and_coverage plain(const X& samples, const Y& real, isize k) {
    isize inside = 0, covered = 0;
    for (isize m = 0; m < real.cols(); ++m) {
        const double radius = plain_kth_squared(real, m, k);
        isize in_ball = 0;
        for (isize n = 0; n < samples.cols(); ++n) {
            in_ball += plain_squared_distance(samples, n, real, m) <= radius ? 1 : 0;
        }
        inside += in_ball;
        covered += in_ball > 0 ? 1 : 0;
    }
    return {static_cast<double>(inside) / static_cast<double>(k * samples.cols()),
            static_cast<double>(covered) / static_cast<double>(real.cols())};
}

}  // namespace

TEST_CASE("density and coverage agree with numpy", "[metrics]") {
    const batch<double> samples = waves(4, 50, 0), real = waves(4, 40, 1);
    const auto [density_1, coverage_1] = density_coverage(samples, real, 1);
    CHECK(std::abs(density_1 - 0.66) < 1e-15);
    CHECK(std::abs(coverage_1 - 0.3) < 1e-15);
    const auto [density_5, coverage_5] = density_coverage(samples, real);
    CHECK(std::abs(density_5 - 1.036) < 1e-15);
    CHECK(std::abs(coverage_5 - 0.975) < 1e-15);
}

TEST_CASE("density and coverage on a line", "[metrics]") {
    batch<double> real(1, 4), samples(1, 5);
    real << 0, 1, 10, 12;
    samples << -1, 0.5, 11, 14.5, 30;
    // The real ones reach over [−1, 1], [0, 2], [8, 12] and [10, 14]: the samples lie in 1, 2, 2, 0 and 0 of them.
    const auto [density, coverage] = density_coverage(samples, real, 1);
    CHECK(density == 1.0);
    CHECK(coverage == 1.0);
    const auto [one, half] = density_coverage(samples.leftCols(2), real, 1);
    CHECK(one == 1.5);
    CHECK(half == 0.5);
    CHECK(density_coverage(samples.leftCols(1), real, 1).coverage == 0.25);
}

TEMPLATE_TEST_CASE("density and coverage agree with their definition over chunks, blocks and slabs", "[metrics]", float,
                   double) {
    const batch<TestType> samples = gaussian_samples<TestType>(3, 150, 1, 0.7);
    const batch<TestType> real = gaussian_samples<TestType>(3, 301, 2, 0, 1.5);
    for (const isize k : {1, 3, 10}) {
        const auto [density, coverage] = density_coverage(samples, real, k);
        const auto expected = plain(samples, real, k);
        CHECK(density == expected.density);
        CHECK(coverage == expected.coverage);
    }
    const batch<TestType> wide = gaussian_samples<TestType>(1100, 40, 3),
                          other = gaussian_samples<TestType>(1100, 30, 4, 0, 1.02);
    const auto [density, coverage] = density_coverage(wide, other, 2);
    const auto expected = plain(wide, other, 2);
    CHECK(density == expected.density);
    CHECK(coverage == expected.coverage);
}

// The k-th neighbour lies on the border of each ball, the sample itself in the middle, as copies.
TEST_CASE("copies of all real samples have density (k + 1)/k and cover all", "[metrics]") {
    const batch<float> x = gaussian_samples<float>(5, 300, 1) + 1000.0F;
    for (const isize k : {1, 4}) {
        const auto [density, coverage] = density_coverage(x, x.template cast<double>(), k);
        CHECK(std::abs(density - static_cast<double>(k + 1) / static_cast<double>(k)) < 1e-15);
        CHECK(coverage == 1);
    }
    const auto [density, coverage] = density_coverage(x + 100, x);
    CHECK(density == 0);
    CHECK(coverage == 0);
}

TEST_CASE("density and coverage of equal distributions are in the mean what the authors prove", "[metrics]") {
    const isize n = 9, m = 12, k = 3;
    double missed = 1;
    for (isize i = 1; i <= k; ++i) {
        missed *= static_cast<double>(m - i) / static_cast<double>(n + m - i);
    }
    const auto value = [&](std::uint64_t seed) {
        return density_coverage(gaussian_samples(2, n, 2 * seed), gaussian_samples(2, m, 2 * seed + 1), k);
    };
    const repeated_mean density = mean_over_seeds(4000, [&](std::uint64_t seed) { return value(seed).density; });
    const repeated_mean coverage = mean_over_seeds(4000, [&](std::uint64_t seed) { return value(seed).coverage; });
    // A sample is within a real one's ball if it is among the k nearest of M others: probability k/M, M balls, over k.
    CHECK(std::abs(density.mean - 1) < 5 * density.standard_error);
    CHECK(density.standard_error < 0.01);
    CHECK(std::abs(coverage.mean - (1 - missed)) < 5 * coverage.standard_error);
    CHECK(coverage.standard_error < 0.005);
}

TEST_CASE("an outlier among the real samples moves density and coverage little", "[metrics]") {
    const batch<double> samples = gaussian_samples(2, 200, 1, 0, 3);
    batch<double> real = gaussian_samples(2, 200, 2);
    const auto before = density_coverage(samples, real);
    real.col(0).setConstant(50);
    const auto after = density_coverage(samples, real);
    CHECK(std::abs(after.density - before.density) < 0.25);
    CHECK(std::abs(after.coverage - before.coverage) < 0.02);
}

TEST_CASE("density and coverage do not depend on the thread count", "[metrics]") {
    const batch<double> samples = gaussian_samples(4, 300, 1), real = gaussian_samples(4, 200, 2, 1, 1.5);
    set_thread_count(1);
    const auto [density, coverage] = density_coverage(samples, real);
    set_thread_count(3);
    const auto [d, c] = density_coverage(samples, real);
    set_thread_count(0);
    CHECK(d == density);
    CHECK(c == coverage);
}

TEST_CASE("density and coverage of values that are not finite are NaN", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 10, 1);
    batch<double> bad = x;
    bad(1, 2) = std::numeric_limits<double>::quiet_NaN();
    for (const auto& [density, coverage] : {density_coverage(bad, x), density_coverage(x, bad)}) {
        CHECK(std::isnan(density));
        CHECK(std::isnan(coverage));
    }
}

TEST_CASE("density and coverage refuse what has too few neighbours", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 10, 1);
    CHECK_THROWS_AS(density_coverage(x, gaussian_samples(2, 10, 1)), shape_error);
    CHECK_THROWS_AS(density_coverage(batch<double>(0, 10), batch<double>(0, 10)), value_error);
    CHECK_THROWS_AS(density_coverage(x.leftCols(0), x), value_error);
    CHECK_THROWS_AS(density_coverage(x, x, 0), value_error);
    CHECK_THROWS_AS(density_coverage(x, x, 10), value_error);
    CHECK(density_coverage(x.leftCols(1), x, 9).coverage > 0);
}

TEST_CASE("density and coverage may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const auto result = density_coverage(a, b, 3, progress);
            return {result.density, result.coverage};
        },
        6);
}

}  // namespace ddpm::test
