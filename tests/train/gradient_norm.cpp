// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/nn/layers/dense.hpp>
#include <ddpm/train/gradient_norm.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEMPLATE_TEST_CASE("the norm of gradients is that of all together, for every thread count", "[train]", float, double) {
    nn::dense<TestType> d(301, 207);
    disturb(d, 1, 1);
    const auto list = nn::parameters(d);
    long double sum = 0;
    for (const auto& p : list) {
        for (const TestType x : p.values) {
            sum += static_cast<long double>(x) * static_cast<long double>(x);
        }
    }
    std::vector<double> norms;
    for (const ddpm::isize threads : {1, 2, 3, 7}) {
        set_thread_count(threads);
        norms.push_back(gradient_norm<TestType>(list)(list));
    }
    set_thread_count(0);
    CHECK(std::abs(norms[0] - static_cast<double>(std::sqrt(sum))) <= 1e-12 * norms[0]);
    const long double count = 521 + 2 + static_cast<long double>(d.weight.size() + d.bias.size()) / 16384;
    CHECK(within(norms[0], std::sqrt(sum), roundings<double>(count) * std::sqrt(sum)));
    for (const double norm : norms) {
        CHECK(norm == norms[0]);
    }
}

TEST_CASE("the norm of what is not finite is not finite", "[train]") {
    nn::dense<float> d(3, 3);
    const auto list = nn::parameters(d);
    gradient_norm<float> norm(list);
    CHECK(norm(list) == 0);
    d.bias[1] = std::numeric_limits<float>::infinity();
    CHECK(std::isinf(norm(list)));
    d.bias[1] = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(norm(list)));
    d.bias[1] = std::numeric_limits<float>::max();
    CHECK(norm(list) == static_cast<double>(std::numeric_limits<float>::max()));
    nn::dense<float> other(3, 4);
    CHECK_THROWS_AS(static_cast<void>(norm(nn::parameters(other))), shape_error);
}

TEST_CASE("clipping shortens as torch does", "[train]") {
    CHECK(clipping_factor(0.5, 1) == 1);
    CHECK(clipping_factor(4, 1) == 1 / 4.000001);
    CHECK(clipping_factor(4, 0) == 1);
    CHECK(clipping_factor(0, 1) == 1);
}

TEST_CASE("the clipping factor keeps its bound of roundings", "[train]") {
    random_numbers random;
    for (int i = 0; i < 3000; ++i) {
        const double norm = random.of_any_size(1e-9, 1e9), largest = random.of_any_size(1e-9, 1e9);
        const long double exact = std::min(1.0L, largest / (norm + 1e-6L));
        CHECK(within(clipping_factor(norm, largest), exact, roundings<double>(3) * exact));
    }
}

}  // namespace ddpm::test
