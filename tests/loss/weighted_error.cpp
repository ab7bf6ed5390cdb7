// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/loss/weighted_error.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"
#include "support/schedules.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("weighted_mse is the weighted mean over each sample", "[loss]", float, double) {
    using S = TestType;
    const batch<S> predicted = pattern<S>(37, 3, 1), target = pattern<S>(37, 3, 2);
    const std::vector<double> weight{1.0, 0.0, 2.5};
    std::vector<double> errors(3), unweighted(3);
    weighted_mse(predicted, target, weight, errors);
    weighted_mse(predicted * S(1), target, 1.0, unweighted);
    for (isize n = 0; n < 3; ++n) {
        const double expected = (predicted.col(n) - target.col(n)).template cast<double>().square().mean();
        const auto at = static_cast<std::size_t>(n);
        CHECK(std::abs(unweighted[at] - expected) < 1e-12 * expected);
        CHECK(std::abs(errors[at] - weight[at] * expected) < 1e-12 * expected);
    }
    std::vector<double> alone(1);
    weighted_mse(predicted.col(2), target.col(2), 2.5, alone);
    CHECK(alone[0] == errors[2]);
}

TEST_CASE("weighted_mse: what does not fit is an error", "[loss]") {
    const batch<float> x = pattern<float>(3, 2, 1), empty(0, 2);
    std::vector<double> two(2), three(3);
    CHECK_THROWS_AS(weighted_mse(x, x.leftCols(1), 1.0, two), shape_error);
    CHECK_THROWS_AS(weighted_mse(x, x, three, two), shape_error);
    CHECK_THROWS_AS(weighted_mse(x, x, 1.0, three), shape_error);
    CHECK_THROWS_AS(weighted_mse(empty, empty, 1.0, two), shape_error);
    std::vector<double> none;
    CHECK_NOTHROW(weighted_mse(x.leftCols(0), x.leftCols(0), 1.0, none));
}

TEMPLATE_TEST_CASE("weighted_mse keeps its bound of roundings", "[loss]", float, double) {
    using S = TestType;
    random_numbers random;
    for (const isize rows : {1, 40, 3000}) {
        const batch<S> predicted = random.values<S>(rows, 3), target = random.values<S>(rows, 3);
        const std::vector<double> weight{0.3, 1, 7.1};
        std::vector<double> errors(3);
        weighted_mse(predicted, target, weight, errors);
        for (isize n = 0; n < 3; ++n) {
            long double sum = 0;
            for (isize i = 0; i < rows; ++i) {
                const long double difference = static_cast<long double>(predicted(i, n)) - target(i, n);
                sum += difference * difference;
            }
            const auto at = static_cast<std::size_t>(n);
            const long double exact = weight[at] * sum / static_cast<long double>(rows);
            CHECK(within(errors[at], exact,
                         (roundings<S>(3) + roundings<double>(static_cast<long double>(rows + 4))) * exact));
        }
    }
}

}  // namespace ddpm::test
