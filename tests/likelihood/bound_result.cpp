// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/likelihood/bound_result.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <sstream>
#include <vector>

namespace ddpm::test {

TEST_CASE("a running mean is the mean and its standard error, far from 0 too", "[likelihood]") {
    detail::running_mean running;
    CHECK(std::isnan(running.mean_and_error().mean));
    running.add(1e9);
    CHECK(running.mean_and_error().mean == 1e9);
    CHECK(std::isnan(running.mean_and_error().error));
    for (const double value : {1e9 + 1, 1e9 + 5}) {
        running.add(value);
    }
    CHECK(running.count() == 3);
    CHECK(std::abs(running.mean_and_error().mean - 1e9 - 2) < 1e-6);
    CHECK(std::abs(running.mean_and_error().error - std::sqrt(7.0 / 3)) < 1e-6);  // variance (4 + 1 + 9) / 2
}

TEST_CASE("a bound's result speaks in bits and nats, and prints itself", "[likelihood]") {
    const double two_bits = 2 * std::log(2.0);
    const bound_result r{5,
                         3,
                         {two_bits, two_bits / 4},
                         {std::log(2.0), 0},
                         {{7, 5, {0.5, 0.1}, {0.25, 0}, {1, 0}}, {0, 5, {two_bits, 0}, {0.125, 0}, {2, 0}}}};
    CHECK(r.bits().mean == 2);
    CHECK(r.bits().error == 0.5);
    CHECK(r.decoder().mean == two_bits);
    CHECK(r.x0_errors() == std::vector<double>{0.125, 0.25});
    CHECK(std::isnan(bound_result{}.decoder().mean));
    std::ostringstream out;
    out << r;
    CHECK(out.str() ==
          "2 +/- 0.5 bits per dimension (1.38629 +/- 0.346574 nats; L_T 1, L_0 2 bits; 5 samples of 3, 2 steps)");
}

TEST_CASE("means, their errors and bits keep their bounds of roundings", "[likelihood]") {
    random_numbers random;
    for (const int count : {2, 3, 10, 1000}) {
        for (const double offset : {0.0, 1.0, 1e6}) {
            detail::running_mean running;
            long double sum = 0, squares = 0, largest = 0;
            std::vector<long double> values;
            for (int i = 0; i < count; ++i) {
                const double value = offset + random.uniform(-1, 1) * random.of_any_size(1e-3, 1e3);
                running.add(value);
                values.push_back(value);
                sum += value;
                largest = std::max(largest, std::abs(values.back()));
            }
            for (const long double value : values) {
                squares += (value - sum / count) * (value - sum / count);
            }
            const mean_estimate got = running.mean_and_error(), bits = to_bits(got);
            const long double error = got.error;
            INFO(count << " values around " << offset);
            CHECK(within(got.mean, sum / count, roundings<double>(count / 2.0L + 5) * largest));
            CHECK(within(error * error, squares / (count * (count - 1.0L)), roundings<double>(40) * largest * largest));
            const long double mean = got.mean / std::numbers::ln2_v<long double>;
            CHECK(within(bits.mean, mean, roundings<double>(3) * std::abs(mean)));
            CHECK(within(bits.error, error / std::numbers::ln2_v<long double>,
                         roundings<double>(3) * error / std::numbers::ln2_v<long double>));
        }
    }
}

}  // namespace ddpm::test
