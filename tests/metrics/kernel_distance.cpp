// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/metrics/kernel_distance.hpp>

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
double plain_kid(const X& x, const Y& y) {
    return plain_two_samples(x, y, true, [](const auto& a, isize n, const auto& b, isize m) {
        const double product = (a.col(n).template cast<double>() * b.col(m).template cast<double>()).sum();
        return std::pow(product / static_cast<double>(a.rows()) + 1, 3);
    });
}

}  // namespace

TEST_CASE("the kernel distance agrees with numpy", "[metrics]") {
    const batch<double> x = waves(4, 50, 0), y = waves(4, 40, 1);
    const kernel_distance_estimate whole = kernel_distance(x, y);
    CHECK(whole.blocks == 1);
    CHECK(std::abs(whole.distance - 0.12425540584364514) < 1e-9);
    CHECK(whole.deviation == 0);
    CHECK(std::isnan(whole.standard_error));
    const kernel_distance_estimate four = kernel_distance(x, y, {.block = 10});
    CHECK(four.blocks == 4);
    CHECK(std::abs(four.distance - -0.013647013538195307) < 1e-9);
    CHECK(std::abs(four.deviation - 0.08596586080641803) < 1e-9);
    CHECK(std::abs(four.standard_error - 0.04963241287770335) < 1e-9);
}

TEMPLATE_TEST_CASE("the kernel distance agrees with its definition over chunks, blocks and slabs", "[metrics]", float,
                   double) {
    const batch<TestType> x = gaussian_samples<TestType>(3, 150, 1), y = gaussian_samples<TestType>(3, 601, 2, 0.5);
    CHECK(std::abs(kernel_distance(x, y).distance - plain_kid(x, y)) < 1e-12);
    CHECK(std::abs(kernel_distance(y, x).distance - plain_kid(x, y)) < 1e-12);
    const batch<TestType> wide = gaussian_samples<TestType>(2500, 70, 3), shifted = wide.leftCols(20) + TestType(1);
    CHECK(std::abs(kernel_distance(wide, shifted).distance - plain_kid(wide, shifted)) < 1e-12);
}

// In one dimension (xy + 1)³ = 1 + 3 m₁ m₁' + 3 m₂ m₂' + m₃ m₃' in the moments, so that the distance is
// 3 (Δm₁)² + 3 (Δm₂)² + (Δm₃)².
TEST_CASE("the kernel distance is that of three moments, without bias, and knows its error", "[metrics]") {
    const double mean = 0.5, variance = 1.44;
    const double exact = 3 * mean * mean + 3 * std::pow(mean * mean + variance - 1, 2) +
                         std::pow(mean * mean * mean + 3 * mean * variance, 2);
    const repeated_mean repeated = mean_over_seeds(4000, [&](std::uint64_t seed) {
        return kernel_distance(gaussian_samples(1, 6, 2 * seed), gaussian_samples(1, 8, 2 * seed + 1, mean, 1.2))
            .distance;
    });
    CHECK(std::abs(repeated.mean - exact) < 5 * repeated.standard_error);
    CHECK(repeated.standard_error < 0.1 * exact);

    const batch<double> x = gaussian_samples(1, 40000, 1), y = gaussian_samples(1, 50000, 2, mean, 1.2);
    const kernel_distance_estimate separate = kernel_distance(x, y, {.block = 100});
    CHECK(separate.blocks == 400);
    CHECK(std::abs(separate.distance - exact) < 5 * separate.standard_error);
    CHECK(separate.standard_error < 0.03 * exact);
    CHECK(std::abs(separate.standard_error * std::sqrt(399.0) - separate.deviation) < 1e-12);
    const kernel_distance_estimate random = kernel_distance(x, y, {.block = 100, .blocks = 300, .seed = 5});
    CHECK(random.blocks == 300);
    CHECK(std::abs(random.distance - exact) < 5 * random.standard_error);
    CHECK(std::abs(random.deviation / separate.deviation - 1) < 0.2);
}

TEST_CASE("random blocks are of the seed, without repetition, and every sample is in some", "[metrics]") {
    const batch<double> x = gaussian_samples(2, 30, 1), y = gaussian_samples(2, 40, 2, 0.5);
    const double first = kernel_distance(x, y, {.block = 10, .blocks = 3, .seed = 1}).distance;
    CHECK(kernel_distance(x, y, {.block = 10, .blocks = 3, .seed = 1}).distance == first);
    CHECK(kernel_distance(x, y, {.block = 10, .blocks = 3, .seed = 2}).distance != first);
    // A block of all samples holds each once.
    const kernel_distance_estimate all = kernel_distance(x, y.leftCols(30), {.blocks = 2});
    CHECK(all.distance == kernel_distance(x, y.leftCols(30)).distance);
    CHECK(all.deviation == 0);

    isize times[12] = {};
    const batch<double> numbers =
        batch<double>::NullaryExpr(1, 12, [](isize, isize n) { return static_cast<double>(n); });
    for (std::uint32_t step = 0; step < 3000; ++step) {
        const batch<double> chosen = detail::random_samples(batch_view<const double>(numbers), 3, {1, 0, step, 0});
        CHECK(chosen(0, 0) < chosen(0, 1));
        CHECK(chosen(0, 1) < chosen(0, 2));
        for (isize n = 0; n < 3; ++n) {
            ++times[static_cast<isize>(chosen(0, n))];
        }
    }
    for (const isize count : times) {
        // 750 of 3,000, with the standard deviation √(3,000 · 1/4 · 3/4) = 23.7.
        CHECK(std::abs(static_cast<double>(count) - 750) < 5 * 23.7);
    }
}

TEST_CASE("the kernel distance keeps under rotation and order, and takes views and different scalars", "[metrics]") {
    const batch<float> x = gaussian_samples<float>(6, 90, 1);
    const batch<double> y = gaussian_samples(6, 80, 2, 0.4);
    const Eigen::MatrixXd turn = rotation(6);
    const double distance = kernel_distance(x, y).distance;
    CHECK(std::abs(kernel_distance((turn * x.matrix().cast<double>()).array(), (turn * y.matrix()).array()).distance -
                   distance) < 1e-12);
    CHECK(std::abs(kernel_distance(x.rowwise().reverse(), y).distance - distance) < 1e-12);
    const batch_view<const float> part = batch_view<const float>(x).middle_rows(1, 2).middle(3, 20);
    CHECK(std::abs(kernel_distance(part, y.topRows(2)).distance -
                   plain_kid(x.block(1, 3, 2, 20).eval(), y.topRows(2).eval())) < 1e-12);
}

TEST_CASE("the kernel distance does not depend on the thread count", "[metrics]") {
    const batch<double> x = gaussian_samples(5, 300, 1), y = gaussian_samples(5, 200, 2);
    const auto value = [&](isize blocks) { return kernel_distance(x, y, {.block = 90, .blocks = blocks}).distance; };
    set_thread_count(1);
    const double separate = value(0), random = value(2);
    for (const isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK(value(0) == separate);
        CHECK(value(2) == random);
    }
    set_thread_count(0);
}

TEST_CASE("the kernel distance of values that are not finite is NaN", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 10, 1).abs();
    for (const double bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
        batch<double> y = -x;
        y(1, 2) = -bad;
        CHECK(std::isnan(kernel_distance(x, y).distance));
        CHECK(std::isnan(kernel_distance(y, x).distance));
    }
}

TEST_CASE("the kernel distance refuses what it cannot compare", "[metrics]") {
    const batch<double> x = gaussian_samples(3, 4, 1);
    CHECK_THROWS_AS(kernel_distance(x, gaussian_samples(2, 4, 1)), shape_error);
    CHECK_THROWS_AS(kernel_distance(batch<double>(0, 4), batch<double>(0, 4)), value_error);
    CHECK_THROWS_AS(kernel_distance(x, x.leftCols(1)), value_error);
    CHECK_THROWS_AS(kernel_distance(x, x, {.block = 1}), value_error);
    CHECK_THROWS_AS(kernel_distance(x, x, {.blocks = -1}), value_error);
}

TEST_CASE("the kernel distance may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const auto result = kernel_distance(a, b, {.block = 500, .progress = progress});
            CHECK(result.finished == (result.blocks > 0));
            return {result.distance, result.deviation, result.standard_error};
        },
        6);
}

TEST_CASE("a kernel distance that is stopped is that of the blocks before", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1000), b = batch<double>::Random(2, 1000);
    int calls = 0;
    const auto stopped =
        kernel_distance(a, b, {.block = 500, .progress = [&](const measurement_progress&) { return ++calls <= 4; }});
    CHECK_FALSE(stopped.finished);
    CHECK(stopped.blocks == 1);
    const auto first = kernel_distance(a.leftCols(500), b.leftCols(500), {.block = 500});
    CHECK(stopped.distance == first.distance);
}

}  // namespace ddpm::test
