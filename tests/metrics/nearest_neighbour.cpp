// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "support/catch.hpp"
#include "support/watched.hpp"

#include <ddpm/metrics/nearest_neighbour.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace ddpm::test {

namespace {

template <class S>
batch<S> uniform_batch(isize dimension, isize count, std::uint32_t seed) {
    std::mt19937 bits(seed);
    batch<S> x(dimension, count);
    for (isize n = 0; n < count; ++n) {
        for (isize i = 0; i < dimension; ++i) {
            x(i, n) = static_cast<S>(static_cast<double>(bits()) / 4294967296.0);
        }
    }
    return x;
}

/// The same by its definition.
template <class S>
double plain_distance(const batch<S>& from, isize n, const batch<S>& to, isize excluded) {
    double least = std::numeric_limits<double>::infinity();
    for (isize m = 0; m < to.cols(); ++m) {
        if (m != excluded) {
            least = std::min(least, std::sqrt((from.col(n) - to.col(m)).template cast<double>().square().sum()));
        }
    }
    return least;
}

}  // namespace

TEMPLATE_TEST_CASE("nearest neighbours on a line", "[metrics]", float, double) {
    batch<TestType> from(1, 3);
    from << 0, 10, 4;
    batch<TestType> to(1, 2);
    to << 1, 7;
    const per_sample_values<double> distances = nearest_neighbour_distances(from, to);
    REQUIRE(distances.size() == 3);
    CHECK(distances[0] == 1.0);
    CHECK(distances[1] == 3.0);
    CHECK(distances[2] == 3.0);
    CHECK(std::abs(mean_nearest_neighbour_distance(from, to) - 7.0 / 3) < 1e-15);

    const per_sample_values<double> own = nearest_neighbour_distances(from);
    CHECK(own[0] == 4.0);
    CHECK(own[1] == 6.0);
    CHECK(own[2] == 4.0);
    CHECK(std::abs(mean_nearest_neighbour_distance(from) - 14.0 / 3) < 1e-15);
}

TEMPLATE_TEST_CASE("nearest neighbours agree with the definition over chunks and blocks", "[metrics]", float, double) {
    const batch<TestType> from = uniform_batch<TestType>(7, 77, 1);
    const batch<TestType> to = uniform_batch<TestType>(7, 1100, 2);
    const per_sample_values<double> distances = nearest_neighbour_distances(from, to);
    for (isize n = 0; n < from.cols(); ++n) {
        CHECK(std::abs(distances[n] - plain_distance(from, n, to, -1)) < 1e-6);
    }
    const per_sample_values<double> own = nearest_neighbour_distances(to);
    for (isize n = 0; n < to.cols(); n += 13) {
        CHECK(std::abs(own[n] - plain_distance(to, n, to, n)) < 1e-6);
    }
}

TEMPLATE_TEST_CASE("the k-th nearest neighbours agree with the definition, ties counted apart", "[metrics]", float,
                   double) {
    const auto plain = [](const batch<TestType>& from, isize n, const batch<TestType>& to, isize excluded, isize k) {
        std::vector<double> distances;
        for (isize m = 0; m < to.cols(); ++m) {
            if (m != excluded) {
                const batch<double> a = from.col(n).template cast<double>(), b = to.col(m).template cast<double>();
                distances.push_back(std::sqrt((a - b).square().sum()));
            }
        }
        std::sort(distances.begin(), distances.end());
        return distances[static_cast<std::size_t>(k - 1)];
    };
    const batch<TestType> from = uniform_batch<TestType>(7, 77, 1);
    batch<TestType> to = uniform_batch<TestType>(7, 600, 2);
    to.middleCols(300, 40) = to.leftCols(40);
    for (const isize k : {1, 2, 3, 50, 599}) {
        const per_sample_values<double> distances = nearest_neighbour_distances(from, to, k);
        const per_sample_values<double> own = nearest_neighbour_distances(to, k);
        for (isize n = 0; n < from.cols(); ++n) {
            CHECK(std::abs(distances[n] - plain(from, n, to, -1, k)) < 1e-15);
            CHECK(std::abs(own[n] - plain(to, n, to, n, k)) < 1e-15);
        }
    }
    CHECK((nearest_neighbour_distances(to).leftCols(40) == 0.0).all());
    CHECK((nearest_neighbour_distances(to, 2).leftCols(40) > 0.0).all());
}

TEMPLATE_TEST_CASE("nearest neighbours have the accuracy that they state", "[metrics]", float, double) {
    constexpr long double u = 0x1p-53L;
    for (const isize dimension : {1, 2, 9, 600}) {
        const batch<TestType> from = uniform_batch<TestType>(dimension, 20, 1) + TestType(3);
        const batch<TestType> to = uniform_batch<TestType>(dimension, 30, 2) + TestType(3);
        const per_sample_values<double> distances = nearest_neighbour_distances(from, to);
        const long double bound = (static_cast<long double>(dimension) / 2 + 2) * u;
        long double sum = 0;
        for (isize n = 0; n < from.cols(); ++n) {
            const auto differences =
                to.template cast<long double>().colwise() - from.col(n).template cast<long double>();
            const long double exact = std::sqrt(differences.square().colwise().sum().minCoeff());
            CHECK(std::abs(static_cast<long double>(distances[n]) - exact) <= bound * exact);
            sum += exact;
        }
        const long double mean = sum / static_cast<long double>(from.cols());
        CHECK(std::abs(static_cast<long double>(mean_nearest_neighbour_distance(from, to)) - mean) <=
              (bound + static_cast<long double>(from.cols()) * u) * mean);
    }
}

TEST_CASE("a copy is found among near copies, far from the origin and over slabs of elements", "[metrics]") {
    batch<double> to = uniform_batch<double>(2500, 300, 9);
    to.row(0) += 1e6;
    batch<double> from = to.rightCols(1);
    to.col(10) = to.col(299);
    to(7, 10) += 1e-9;
    CHECK(nearest_neighbour_distances(from, to)[0] == 0.0);
    CHECK(std::abs(nearest_neighbour_distances(from, to, 2)[0] / 1e-9 - 1) < 1e-6);
    CHECK(std::abs(nearest_neighbour_distances(from, to, 3)[0] - 20) < 2);
}

TEST_CASE("a copy is at distance zero, however far from the origin", "[metrics]") {
    const batch<float> real = uniform_batch<float>(16, 600, 3) + 1000.0F;
    CHECK((nearest_neighbour_distances(real.middleCols(5, 50), real) == 0.0).all());
    CHECK((nearest_neighbour_distances(real) > 0.0).all());

    batch<double> twins(2, 4);
    twins << 1, 5, 1, 5,  //
        2, 6, 2, 6;
    CHECK((nearest_neighbour_distances(twins) == 0.0).all());
}

TEST_CASE("nearest neighbours take sets of different scalars, and views", "[metrics]") {
    const batch<float> from = uniform_batch<float>(4, 40, 4);
    const batch<double> to = from.cast<double>() + 0.25;
    const batch_view<const float> half = batch_view<const float>(from).middle_rows(0, 2);
    const per_sample_values<double> distances = nearest_neighbour_distances(half, to.topRows(2));
    REQUIRE(distances.size() == 40);
    CHECK((distances <= 0.25 * std::sqrt(2.0) + 1e-12).all());
}

TEST_CASE("nearest neighbours do not depend on the thread count", "[metrics]") {
    const batch<float> from = uniform_batch<float>(9, 300, 5);
    const batch<float> to = uniform_batch<float>(9, 200, 6);
    set_thread_count(1);
    const per_sample_values<double> alone = nearest_neighbour_distances(from, to);
    for (const isize threads : {2, 3, 7}) {
        set_thread_count(threads);
        CHECK((nearest_neighbour_distances(from, to) == alone).all());
    }
    set_thread_count(0);
}

TEST_CASE("nearest neighbours of values that are not finite", "[metrics]") {
    batch<float> from = uniform_batch<float>(3, 5, 7);
    batch<float> to = uniform_batch<float>(3, 5, 8);
    from(1, 2) = std::numeric_limits<float>::quiet_NaN();
    const per_sample_values<double> distances = nearest_neighbour_distances(from, to);
    CHECK(std::isnan(distances[2]));
    CHECK(std::isfinite(distances[1]));
    to(0, 0) = std::numeric_limits<float>::quiet_NaN();
    CHECK(nearest_neighbour_distances(from, to).isNaN().all());
}

TEST_CASE("nearest neighbours refuse sets that do not fit", "[metrics]") {
    const batch<float> three = batch<float>::Zero(3, 4);
    const batch<float> two = batch<float>::Zero(2, 4);
    const batch<float> none(3, 0);
    CHECK_THROWS_AS(nearest_neighbour_distances(three, two), shape_error);
    CHECK_THROWS_AS(nearest_neighbour_distances(three, none), value_error);
    CHECK(nearest_neighbour_distances(none, three).size() == 0);
    CHECK_THROWS_AS(mean_nearest_neighbour_distance(none, three), value_error);
    CHECK_THROWS_AS(nearest_neighbour_distances(three.leftCols(1)), value_error);
    CHECK_THROWS_AS(mean_nearest_neighbour_distance(three.leftCols(1)), value_error);
    CHECK_THROWS_AS(nearest_neighbour_distances(three, three, 0), value_error);
    CHECK_THROWS_AS(nearest_neighbour_distances(three, three, 5), value_error);
    CHECK_THROWS_AS(nearest_neighbour_distances(three, 4), value_error);
    CHECK_THROWS_AS(nearest_neighbour_distances(three, 0), value_error);
}

TEST_CASE("the nearest-neighbour distances may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            const auto d = nearest_neighbour_distances(a, b, 2, progress);
            return {d(0), d(1099)};
        },
        2);
}
TEST_CASE("the mean nearest-neighbour distance may be watched and stopped", "[metrics]") {
    const batch<double> a = batch<double>::Random(2, 1100), b = batch<double>::Random(2, 1200);
    check_watched_and_stopped(
        [&](const measurement_callback& progress) -> std::vector<double> {
            return {mean_nearest_neighbour_distance(a, progress)};
        },
        2);
}

}  // namespace ddpm::test
