// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/random/brownian_tree.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

static_assert(NoiseSource<brownian_tree>);
static_assert(NoiseSource<const brownian_tree, double>);

namespace {

/// W(to) − W(from).
template <Scalar S>
batch<S> increment(const brownian_tree& tree, double from, double to, isize rows, isize columns, isize first = 0) {
    batch<S> z(rows, columns);
    tree.normal_between(batch_view<S>(z), from, to, first);
    return static_cast<S>(std::sqrt(tree.variance_between(from, to))) * z;
}

double mean_product(const batch<double>& a, const batch<double>& b) { return (a * b).mean(); }

}  // namespace

TEMPLATE_TEST_CASE("increments of a path add up, however it is cut", "[random]", float, double) {
    using S = TestType;
    const brownian_tree tree(5, 0.01, 20);
    const batch<S> whole = increment<S>(tree, 20, 0.01, 7, 5);
    for (const int steps : {2, 3, 16, 100}) {
        batch<S> sum = batch<S>::Zero(7, 5);
        double from = 20;
        for (int k = 1; k <= steps; ++k) {
            const double to =
                k == steps ? 0.01 : 20 * std::pow(0.01 / 20, std::pow(static_cast<double>(k) / steps, 1.5));
            sum += increment<S>(tree, from, to, 7, 5);
            from = to;
        }
        // A draw is scaled to deviation 1, which is off by the share that 2^−22 has in its interval.
        CHECK(static_cast<double>((sum - whole).abs().maxCoeff()) < 5e-5);
    }
    CHECK(static_cast<double>((increment<S>(tree, 0.1, 3, 7, 5) + increment<S>(tree, 3, 0.1, 7, 5)).abs().maxCoeff()) ==
          0);
}

TEST_CASE("draws are standard normals, independent where their intervals do not meet", "[random]") {
    const brownian_tree tree(11, 0.002, 80);
    const isize count = 1 << 16;
    const double five_errors = 5 / std::sqrt(static_cast<double>(count));
    const double edges[] = {80, 30.1, 7, 6.999, 1, 0.3, 0.29999, 0.002};
    std::vector<batch<double>> draws;
    for (std::size_t k = 0; k + 1 < std::size(edges); ++k) {
        batch<double> z(count / 4, 4);
        tree.normal_between(batch_view<double>(z), edges[k], edges[k + 1], 0);
        draws.push_back(z);
    }
    for (std::size_t i = 0; i < draws.size(); ++i) {
        INFO("interval " << i);
        CHECK(std::abs(draws[i].mean()) < five_errors);
        CHECK(std::abs(mean_product(draws[i], draws[i]) - 1) < std::sqrt(2.0) * five_errors);
        for (std::size_t j = 0; j < i; ++j) {
            CHECK(std::abs(mean_product(draws[i], draws[j])) < five_errors);
        }
    }
    // Where intervals meet, the covariance is what they share.
    batch<double> both(count / 4, 4);
    tree.normal_between(batch_view<double>(both), 80, 7, 0);
    const double share = std::sqrt(tree.variance_between(80, 30.1) / tree.variance_between(80, 7));
    CHECK(std::abs(mean_product(both, draws[0]) - share) < 1.5 * five_errors);
    CHECK(std::abs(tree.variance_between(80, 0.002) - 1) < 1e-12);
    CHECK(std::abs(tree.variance_between(0.4, 0.004) - std::log(100.0) / std::log(40000.0)) < 1e-12);
}

TEMPLATE_TEST_CASE("a path belongs to its sample and element", "[random]", float, double) {
    using S = TestType;
    const brownian_tree tree(3, 0.1, 10);
    batch<S> all(5000, 3);
    tree.normal_between(batch_view<S>(all), 8, 1, 20);
    batch<S> wide = batch<S>::Constant(40, 7, -9);
    tree.normal_between(batch_view<S>(wide.data(), 30, 7, 40), 8, 1, 18);
    CHECK((wide.block(0, 2, 30, 3) == all.topRows(30)).all());
    CHECK((wide.bottomRows(10) == S{-9}).all());
    batch<S> other(5000, 3), again(5000, 3);
    brownian_tree(4, 0.1, 10).normal_between(batch_view<S>(other), 8, 1, 20);
    brownian_tree(3, 0.1, 10).normal_between(batch_view<S>(again), 8, 1, 20);
    CHECK((other != all).any());
    CHECK((again == all).all());
    // 0 and infinity count as the range's ends.
    batch<S> beyond(30, 1), end(30, 1);
    tree.normal_between(batch_view<S>(beyond), std::numeric_limits<double>::infinity(), 0, 0);
    tree.normal_between(batch_view<S>(end), 10, 0.1, 0);
    CHECK((beyond == end).all());
    // Where there is no time in between there is no increment.
    tree.normal_between(batch_view<S>(end), 0.1, 0, 0);
    CHECK((end == S{0}).all());
    tree.normal_between(batch_view<S>(end), 3, 3, 0);
    CHECK((end == S{0}).all());
}

TEST_CASE("brownian_tree: the normals where a run begins are the default noise's, of the same seed", "[random]") {
    const brownian_tree tree(17, 0.1, 10);
    batch<float> a(9, 4), b(9, 4), path(9, 4);
    tree.normal(batch_view<float>(a), 0, 3);
    philox_noise(17, noise_stream::sampler).normal(batch_view<float>(b), 0, 3);
    tree.normal_between(batch_view<float>(path), 10, 0.1, 3);
    CHECK((a == b).all());
    CHECK((a - path).abs().minCoeff() > 0);
    CHECK((a + path).abs().minCoeff() > 0);
    CHECK(tree.seed() == 17);
}

TEST_CASE("brownian_tree: what is outside its domain is an error", "[random]") {
    const double infinity = std::numeric_limits<double>::infinity();
    CHECK_THROWS_AS(brownian_tree(0, 0, 1), value_error);
    CHECK_THROWS_AS(brownian_tree(0, 1, 1), value_error);
    CHECK_THROWS_AS(brownian_tree(0, 1, infinity), value_error);
    CHECK_THROWS_AS(brownian_tree(0, std::nan(""), 1), value_error);
    CHECK_THROWS_AS(brownian_tree(0, 0.1, 1, 0), value_error);
    CHECK_THROWS_AS(brownian_tree(0, 0.1, 1, 32), value_error);
    const brownian_tree tree(0, 0.1, 10);
    batch<float> z(2, 1);
    const batch_view<float> out(z);
    CHECK_THROWS_AS(tree.normal_between(out, 1, 0.09), value_error);
    CHECK_THROWS_AS(tree.normal_between(out, 11, 1), value_error);
    CHECK_NOTHROW(tree.normal_between(out, 10 * (1 + 1e-8), 0.1 * (1 - 1e-8)));
    CHECK_THROWS_AS(tree.normal_between(out, -1, 1), value_error);
    CHECK_THROWS_AS(tree.normal_between(out, 1, std::nan("")), value_error);
    CHECK_THROWS_AS(tree.normal_between(out, 1, 2, -1), value_error);
    CHECK_THROWS_AS(tree.variance_between(1, -1), value_error);
}

}  // namespace ddpm::test
