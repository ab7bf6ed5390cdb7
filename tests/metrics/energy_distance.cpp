// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/energy_distance.hpp>

#include <ddpm/core/parallel.hpp>

#include "metrics/sample_sets.hpp"
#include "support/catch.hpp"
#include "support/watched.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace ddpm::test {

namespace {

template <class X, class Y>
double plain_energy(const X& x, const Y& y, pair_estimate estimate) {
    return -plain_two_samples(
        x, y, estimate == pair_estimate::unbiased,
        [](const auto& a, isize n, const auto& b, isize m) { return std::sqrt(plain_squared_distance(a, n, b, m)); });
}

/// E|z| of z ~ N(mean, deviation²).
double mean_of_absolute(double mean, double deviation) {
    return deviation * std::sqrt(2 / std::numbers::pi) * std::exp(-0.5 * std::pow(mean / deviation, 2)) +
           mean * std::erf(mean / deviation / std::numbers::sqrt2);
}

constexpr pair_estimate both[] = {pair_estimate::unbiased, pair_estimate::v_statistic};

}  // namespace

TEST_CASE("the energy distance agrees with torch", "[metrics]") {
    const batch<double> x = waves(4, 50, 0), y = waves(4, 40, 1);
    CHECK(std::abs(energy_distance(x, y) - 0.064357123955884) < 1e-10);
    CHECK(std::abs(energy_distance(x, y, pair_estimate::v_statistic) - 0.15149751825926439) < 1e-10);
}

TEMPLATE_TEST_CASE("the energy distance agrees with its definition over chunks, blocks and slabs", "[metrics]", float,
                   double) {
    for (const pair_estimate estimate : both) {
        const batch<TestType> x = gaussian_samples<TestType>(3, 150, 1), y = gaussian_samples<TestType>(3, 601, 2, 0.5);
        CHECK(std::abs(energy_distance(x, y, estimate) - plain_energy(x, y, estimate)) < 1e-12);
        CHECK(std::abs(energy_distance(y, x, estimate) - plain_energy(x, y, estimate)) < 1e-12);
        const batch<TestType> wide = gaussian_samples<TestType>(1100, 300, 3),
                              shifted = wide.leftCols(20) + TestType(1);
        CHECK(std::abs(energy_distance(wide, shifted, estimate) - plain_energy(wide, shifted, estimate)) < 1e-11);
    }
}

// On a line, the V-statistic is 2 ∫ (F − G)² of the two distribution functions.
TEST_CASE("on a line the energy distance is that of the distribution functions", "[metrics]") {
    const batch<double> x = gaussian_samples(1, 37, 1), y = gaussian_samples(1, 90, 2, 0.3, 2);
    std::vector<double> ends(x.data(), x.data() + x.size());
    ends.insert(ends.end(), y.data(), y.data() + y.size());
    std::sort(ends.begin(), ends.end());
    double integral = 0;
    for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
        const double f = static_cast<double>((x <= ends[i]).count()) / 37,
                     g = static_cast<double>((y <= ends[i]).count()) / 90;
        integral += (f - g) * (f - g) * (ends[i + 1] - ends[i]);
    }
    CHECK(std::abs(energy_distance(x, y, pair_estimate::v_statistic) - 2 * integral) < 1e-13);
}

TEST_CASE("the energy distance of Gaussians is estimated without bias, and by the V-statistic with its own",
          "[metrics]") {
    const double mean = 0.8, deviation = 1.5;
    const double spread_x = mean_of_absolute(0, std::numbers::sqrt2);
    const double spread_y = mean_of_absolute(0, std::numbers::sqrt2 * deviation);
    const double exact = 2 * mean_of_absolute(mean, std::hypot(1.0, deviation)) - spread_x - spread_y;
    const auto estimated = [&](pair_estimate estimate) {
        return mean_over_seeds(4000, [&](std::uint64_t seed) {
            return energy_distance(gaussian_samples(1, 5, 2 * seed),
                                   gaussian_samples(1, 7, 2 * seed + 1, mean, deviation), estimate);
        });
    };
    const repeated_mean unbiased = estimated(pair_estimate::unbiased);
    CHECK(std::abs(unbiased.mean - exact) < 5 * unbiased.standard_error);
    CHECK(unbiased.standard_error < 0.05 * exact);
    const repeated_mean biased = estimated(pair_estimate::v_statistic);
    CHECK(std::abs(biased.mean - exact - spread_x / 5 - spread_y / 7) < 5 * biased.standard_error);
    CHECK(biased.standard_error < 0.03 * (spread_x / 5 + spread_y / 7));
}

TEST_CASE("the energy distance keeps under rotation, shift and order, and scales with the samples", "[metrics]") {
    const batch<double> x = gaussian_samples(6, 90, 1), y = gaussian_samples(6, 80, 2, 0.4);
    const Eigen::MatrixXd turn = rotation(6);
    for (const pair_estimate estimate : both) {
        const double distance = energy_distance(x, y, estimate);
        CHECK(std::abs(energy_distance((turn * x.matrix()).array(), (turn * y.matrix()).array(), estimate) - distance) <
              1e-13);
        CHECK(std::abs(energy_distance(x + 1e4, y + 1e4, estimate) - distance) < 1e-10);
        CHECK(std::abs(energy_distance(x.rowwise().reverse(), y, estimate) - distance) < 1e-13);
        CHECK(std::abs(energy_distance(3 * x, 3 * y, estimate) - 3 * distance) < 1e-12);
    }
    CHECK(std::abs(energy_distance(x, x, pair_estimate::v_statistic)) < 1e-14);
    CHECK(energy_distance(x, x) < 0);
    CHECK(energy_distance(x, y, pair_estimate::v_statistic) > 0);
}

TEST_CASE("the energy distance is exact for samples that nearly coincide", "[metrics]") {
    batch<double> x(2, 2), y(2, 1);
    x << 1000, -1000, 0, 0;
    y << 1000 + 1e-7, 3e-7;
    // V: 2 · (|x₁ − y| + |x₂ − y|)/2 − |x₁ − x₂|/2, of which the first is 1e-7 √10.
    const double expected = 1e-7 * std::sqrt(10.0) + std::hypot(2000 + 1e-7, 3e-7) - 1000;
    CHECK(std::abs(energy_distance(x, y, pair_estimate::v_statistic) - expected) < 1e-12);
    const batch<double> close = gaussian_samples(3, 40, 1, 0, 1e-6) + 100,
                        other = gaussian_samples(3, 30, 2, 0, 1e-6) + 100;
    CHECK(std::abs(energy_distance(close, other) - plain_energy(close, other, pair_estimate::unbiased)) < 1e-17);
}

TEST_CASE("the energy distance takes sets of different scalars, and views", "[metrics]") {
    const batch<float> x = gaussian_samples<float>(4, 40, 1);
    const batch<double> y = gaussian_samples(4, 30, 2);
    const batch_view<const float> half = batch_view<const float>(x).middle_rows(1, 2).middle(3, 20);
    CHECK(std::abs(energy_distance(half, y.topRows(2)) -
                   plain_energy(x.block(1, 3, 2, 20).eval(), y.topRows(2).eval(), pair_estimate::unbiased)) < 1e-13);
}

TEST_CASE("the energy distance does not depend on the thread count", "[metrics]") {
    const batch<double> x = gaussian_samples(5, 300, 1), y = gaussian_samples(5, 200, 2);
    set_thread_count(1);
    const double alone = energy_distance(x, y);
    for (const isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK(energy_distance(x, y) == alone);
    }
    set_thread_count(0);
}

TEST_CASE("the energy distance of values that are not finite is NaN", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 10, 1);
    for (const double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        batch<double> y = x;
        y(1, 2) = bad;
        CHECK(std::isnan(energy_distance(x, y)));
        CHECK(std::isnan(energy_distance(y, x)));
    }
}

TEST_CASE("the energy distance refuses sets that do not fit", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 4, 1);
    CHECK_THROWS_AS(energy_distance(x, gaussian_samples(2, 4, 1)), shape_error);
    CHECK_THROWS_AS(energy_distance(batch<double>(0, 4), batch<double>(0, 4)), value_error);
    CHECK_THROWS_AS(energy_distance(x, x.leftCols(1)), value_error);
    CHECK_THROWS_AS(energy_distance(x.leftCols(1), x), value_error);
    CHECK_THROWS_AS(energy_distance(x, x.leftCols(0), pair_estimate::v_statistic), value_error);
    CHECK(energy_distance(x.leftCols(1), x.leftCols(1), pair_estimate::v_statistic) == 0);
}

TEST_CASE("the energy distance may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            return {energy_distance(a, b, pair_estimate::unbiased, progress)};
        },
        6);
}

}  // namespace ddpm::test
