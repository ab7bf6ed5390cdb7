// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/watched.hpp"

#include <ddpm/metrics/frechet_distance.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace ddpm::test {

namespace {

batch<double> random_batch(isize dimension, isize count, std::uint32_t seed) {
    std::mt19937 bits(seed);
    batch<double> x(dimension, count);
    for (isize n = 0; n < count; ++n) {
        for (isize i = 0; i < dimension; ++i) {
            x(i, n) = static_cast<double>(bits()) / 4294967296.0 - 0.5;
        }
    }
    return x;
}

gaussian_fit diagonal(std::initializer_list<double> mean, std::initializer_list<double> variance) {
    gaussian_fit fit;
    fit.mean = Eigen::Map<const Eigen::VectorXd>(mean.begin(), static_cast<isize>(mean.size()));
    fit.covariance =
        Eigen::Map<const Eigen::VectorXd>(variance.begin(), static_cast<isize>(variance.size())).asDiagonal();
    return fit;
}

}  // namespace

TEST_CASE("the Fréchet distance of diagonal Gaussians is |m1-m2|^2 + sum of (s1-s2)^2", "[metrics]") {
    const gaussian_fit a = diagonal({1, 2, 3}, {4, 9, 0});
    const gaussian_fit b = diagonal({0, 2, 5}, {1, 16, 25});
    CHECK(std::abs(frechet_distance(a, b) - (1 + 4 + 1 + 1 + 25)) < 1e-12);
    CHECK(std::abs(frechet_distance(b, a) - (1 + 4 + 1 + 1 + 25)) < 1e-12);
    CHECK(std::abs(frechet_distance(a, a)) < 1e-12);
}

TEST_CASE("the Fréchet distance of two-dimensional Gaussians has its closed form", "[metrics]") {
    // In two dimensions tr (Σ₁ Σ₂)^½ = √(tr(Σ₁ Σ₂) + 2 √(det Σ₁ det Σ₂)); these do not commute.
    gaussian_fit a = diagonal({0, 0}, {0, 0});
    gaussian_fit b = a;
    a.covariance << 2.0, 0.5, 0.5, 1.0;
    b.covariance << 1.0, -0.7, -0.7, 3.0;
    const double trace_of_root = std::sqrt((a.covariance * b.covariance).trace() +
                                           2 * std::sqrt(a.covariance.determinant() * b.covariance.determinant()));
    CHECK(std::abs(frechet_distance(a, b) - (3.0 + 4.0 - 2 * trace_of_root)) < 1e-12);
}

TEMPLATE_TEST_CASE("the Fréchet distance of shifted samples is the squared shift", "[metrics]", float, double) {
    const batch<TestType> x = random_batch(5, 300, 1).cast<TestType>();
    const batch<TestType> shifted = x + TestType(2);
    CHECK(std::abs(frechet_distance(x, shifted) - 20.0) < 1e-5);
    CHECK(std::abs(frechet_distance(x, x)) < 1e-12);
}

TEST_CASE("the Fréchet distance of scaled samples is (1-s)^2 of the trace", "[metrics]") {
    batch<double> x = random_batch(4, 500, 2);
    x.colwise() -= x.rowwise().mean().eval();
    const batch<double> scaled = 3.0 * x;
    CHECK(std::abs(frechet_distance(x, scaled) - 4.0 * fit_gaussian(x).covariance.trace()) < 1e-12);
}

TEST_CASE("the Fréchet distance agrees with numpy", "[metrics]") {
    // numpy 2.4: x[i, n] = sin(1 + i + 0.37 n (i + 1)), y[i, n] = cos(0.5 + 2 i + 0.23 n (i + 2)), np.cov of both, and
    // the root of S1 S2 by its general eigenvalues: np.sqrt(np.linalg.eigvals(S1 @ S2)).real.sum().
    batch<double> x(4, 50);
    batch<double> y(4, 40);
    for (isize i = 0; i < 4; ++i) {
        const double k = static_cast<double>(i);
        for (isize n = 0; n < 50; ++n) {
            x(i, n) = std::sin(1 + k + 0.37 * static_cast<double>(n) * (k + 1));
        }
        for (isize n = 0; n < 40; ++n) {
            y(i, n) = std::cos(0.5 + 2 * k + 0.23 * static_cast<double>(n) * (k + 2));
        }
    }
    CHECK(std::abs(frechet_distance(x, y) - 0.04021194610711021) < 1e-9);
}

TEST_CASE("the Fréchet distance copes with fewer samples than dimensions", "[metrics]") {
    const batch<double> x = random_batch(20, 5, 3);
    const double distance = frechet_distance(x, x);
    CHECK(distance >= 0);
    CHECK(distance < 1e-6);
}

TEST_CASE("the Fréchet distance of values that are not finite is NaN", "[metrics]") {
    const batch<double> x = random_batch(3, 10, 4);
    batch<double> bad = x;
    bad(1, 2) = std::numeric_limits<double>::infinity();
    CHECK(std::isnan(frechet_distance(x, bad)));
    CHECK(std::isnan(frechet_distance(bad, x)));
}

TEST_CASE("the Fréchet distance refuses sets that do not fit", "[metrics]") {
    CHECK_THROWS_AS(frechet_distance(random_batch(3, 10, 5), random_batch(4, 10, 6)), shape_error);
    CHECK_THROWS_AS(frechet_distance(random_batch(3, 10, 5), random_batch(3, 1, 6)), value_error);
    CHECK_THROWS_AS(frechet_distance(random_batch(3, 0, 5), random_batch(3, 10, 6)), value_error);
    gaussian_fit a = diagonal({0, 0}, {1, 1});
    CHECK_THROWS_AS(frechet_distance(a, diagonal({0}, {1})), shape_error);
    gaussian_fit b = a;
    b.covariance.resize(2, 3);
    CHECK_THROWS_AS(frechet_distance(a, b), shape_error);
    CHECK_THROWS_AS(frechet_distance(b, a), shape_error);
}

TEST_CASE("the Frechet distance may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> { return {frechet_distance(a, b, progress)}; },
        8);
}

}  // namespace ddpm::test
