// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/squared_mmd.hpp>

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
double plain_mmd(const X& x, const Y& y, const mmd_options& options) {
    return plain_two_samples(x, y, options.estimate == pair_estimate::unbiased,
                             [&](const auto& a, isize n, const auto& b, isize m) {
                                 double sum = 0;
                                 for (const double h : options.bandwidths) {
                                     sum += std::exp(-plain_squared_distance(a, n, b, m) / (2 * h * h));
                                 }
                                 return sum / static_cast<double>(options.bandwidths.size());
                             });
}

/// E k(x, y) of x − y ~ N(mean, variance) in each of the dimensions.
double mean_kernel(double bandwidth, double mean, double variance, double dimension) {
    const double total = bandwidth * bandwidth + variance;
    return std::pow(bandwidth * bandwidth / total, dimension / 2) * std::exp(-dimension * mean * mean / (2 * total));
}

constexpr pair_estimate both[] = {pair_estimate::unbiased, pair_estimate::v_statistic};

}  // namespace

TEST_CASE("the squared MMD agrees with numpy", "[metrics]") {
    const batch<double> x = waves(4, 50, 0), y = waves(4, 40, 1);
    const pair_estimate v = pair_estimate::v_statistic;
    CHECK(std::abs(squared_mmd(x, y) - 0.015086008867149614) < 1e-10);
    CHECK(std::abs(squared_mmd(x, y, {.estimate = v}) - 0.03187872807390946) < 1e-10);
    CHECK(std::abs(squared_mmd(x, y, {.bandwidths = {0.7}}) - 0.01001683756442942) < 1e-10);
    CHECK(std::abs(squared_mmd(x, y, {.bandwidths = {0.7}, .estimate = v}) - 0.050669233842017714) < 1e-10);
    CHECK(std::abs(squared_mmd(x, y, {.bandwidths = {0.5, 1, 2}}) - 0.012898230300864455) < 1e-10);
    CHECK(std::abs(squared_mmd(x, y, {.bandwidths = {0.5, 1, 2}, .estimate = v}) - 0.044647288591649015) < 1e-10);
}

TEMPLATE_TEST_CASE("the squared MMD agrees with its definition over chunks, blocks and slabs", "[metrics]", float,
                   double) {
    for (const pair_estimate estimate : both) {
        const batch<TestType> x = gaussian_samples<TestType>(3, 150, 1), y = gaussian_samples<TestType>(3, 601, 2, 0.5);
        const mmd_options options{.bandwidths = {0.3, 2}, .estimate = estimate};
        CHECK(std::abs(squared_mmd(x, y, options) - plain_mmd(x, y, options)) < 1e-13);
        CHECK(std::abs(squared_mmd(y, x, options) - plain_mmd(x, y, options)) < 1e-13);
        const batch<TestType> wide = gaussian_samples<TestType>(1100, 300, 3),
                              shifted = wide.leftCols(20) + TestType(1);
        const mmd_options broad{.bandwidths = {40}, .estimate = estimate};
        CHECK(std::abs(squared_mmd(wide, shifted, broad) - plain_mmd(wide, shifted, broad)) < 1e-13);
    }
}

TEST_CASE("the squared MMD of Gaussians is estimated without bias, and by the V-statistic with its own", "[metrics]") {
    const double h = 1.2, mean = 0.7, deviation = 1.5, variance = deviation * deviation;
    const double within_x = mean_kernel(h, 0, 2, 2), within_y = mean_kernel(h, 0, 2 * variance, 2);
    const double exact = within_x + within_y - 2 * mean_kernel(h, mean, 1 + variance, 2);
    const auto estimated = [&](pair_estimate estimate) {
        return mean_over_seeds(4000, [&](std::uint64_t seed) {
            return squared_mmd(gaussian_samples(2, 5, 2 * seed), gaussian_samples(2, 7, 2 * seed + 1, mean, deviation),
                               {.bandwidths = {h}, .estimate = estimate});
        });
    };
    const repeated_mean unbiased = estimated(pair_estimate::unbiased);
    CHECK(std::abs(unbiased.mean - exact) < 5 * unbiased.standard_error);
    CHECK(unbiased.standard_error < 0.05 * exact);
    const repeated_mean biased = estimated(pair_estimate::v_statistic);
    const double bias = (1 - within_x) / 5 + (1 - within_y) / 7;
    CHECK(std::abs(biased.mean - exact - bias) < 5 * biased.standard_error);
    CHECK(biased.standard_error < 0.02 * bias);
}

TEST_CASE("the sign of the squared MMD of equal distributions", "[metrics]") {
    int negative = 0, negative_v = 0;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const batch<double> x = gaussian_samples(2, 20, 2 * seed), y = gaussian_samples(2, 20, 2 * seed + 1);
        negative += squared_mmd(x, y) < 0 ? 1 : 0;
        negative_v += squared_mmd(x, y, {.estimate = pair_estimate::v_statistic}) < 0 ? 1 : 0;
    }
    CHECK(negative > 70);
    CHECK(negative < 160);
    CHECK(negative_v == 0);
}

TEST_CASE("the squared MMD keeps under rotation, shift, order, and scale with the bandwidth", "[metrics]") {
    const batch<double> x = gaussian_samples(6, 90, 1), y = gaussian_samples(6, 80, 2, 0.4);
    const Eigen::MatrixXd turn = rotation(6);
    for (const pair_estimate estimate : both) {
        const mmd_options median{.estimate = estimate}, given{.bandwidths = {1.5, 3}, .estimate = estimate};
        for (const mmd_options& options : {median, given}) {
            const double mmd = squared_mmd(x, y, options);
            CHECK(std::abs(squared_mmd((turn * x.matrix()).array(), (turn * y.matrix()).array(), options) - mmd) <
                  1e-13);
            CHECK(std::abs(squared_mmd(x + 1e4, y + 1e4, options) - mmd) < 1e-11);
            CHECK(std::abs(squared_mmd(x.rowwise().reverse(), y, options) - mmd) < 1e-13);
        }
        CHECK(std::abs(squared_mmd(2 * x, 2 * y, median) - squared_mmd(x, y, median)) < 1e-13);
        CHECK(std::abs(squared_mmd(2 * x, 2 * y, {.bandwidths = {3, 6}, .estimate = estimate}) -
                       squared_mmd(x, y, given)) < 1e-13);
        CHECK(std::abs(squared_mmd(x, y, median) -
                       squared_mmd(x, y, {.bandwidths = {median_distance(x, y)}, .estimate = estimate})) < 1e-15);
    }
    CHECK(std::abs(squared_mmd(x, x, {.estimate = pair_estimate::v_statistic})) < 1e-14);
    // Sets that do not touch: E k of different sets is 0.
    CHECK(std::abs(squared_mmd(x.leftCols(1), y.leftCols(1) + 1e3,
                               {.bandwidths = {1}, .estimate = pair_estimate::v_statistic}) -
                   2) < 1e-15);
}

TEST_CASE("the squared MMD does not depend on the thread count", "[metrics]") {
    const batch<float> x = gaussian_samples<float>(5, 300, 1);
    const batch<double> y = gaussian_samples(5, 200, 2);
    set_thread_count(1);
    const double alone = squared_mmd(x, y);
    for (const isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK(squared_mmd(x, y) == alone);
    }
    set_thread_count(0);
}

TEST_CASE("the squared MMD of values that are not finite is NaN", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 10, 1);
    batch<double> y = x;
    y(1, 2) = std::numeric_limits<double>::infinity();
    CHECK(std::isnan(squared_mmd(x, y)));
    CHECK(std::isnan(squared_mmd(y, x, {.bandwidths = {1}})));
}

TEST_CASE("the squared MMD refuses what it cannot compare", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 4, 1);
    CHECK_THROWS_AS(squared_mmd(x, gaussian_samples(2, 4, 1)), shape_error);
    CHECK_THROWS_AS(squared_mmd(batch<double>(0, 4), batch<double>(0, 4)), value_error);
    CHECK_THROWS_AS(squared_mmd(x, x.leftCols(1)), value_error);
    CHECK_THROWS_AS(squared_mmd(x, x.leftCols(0), {.estimate = pair_estimate::v_statistic}), value_error);
    for (const double bad :
         {0.0, -1.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        CHECK_THROWS_AS(squared_mmd(x, x, {.bandwidths = {1, bad}}), value_error);
    }
    CHECK_THROWS_AS(squared_mmd(batch<double>::Ones(3, 4), batch<double>::Ones(3, 4)), value_error);
}

TEST_CASE("the squared mmd may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            return {squared_mmd(a, b, {.bandwidths = {0.5}, .progress = progress})};
        },
        6);
}

}  // namespace ddpm::test
