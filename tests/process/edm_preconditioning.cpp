// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/edm_preconditioning.hpp>

#include "support/catch.hpp"
#include "support/rounding.hpp"

#include <cmath>
#include <numbers>

namespace ddpm::test {

TEST_CASE("EDM's coefficients are those of its table 1", "[process]") {
    for (const double sigma : {0.002, 0.3, 1.0, 80.0}) {
        for (const double data : {0.5, 2.0}) {
            const auto [skip, out, in, time] = edm_preconditioning{.sigma_data = data, .time_scale = 3}.at(sigma);
            const double sum = sigma * sigma + data * data;
            CHECK(std::abs(skip * sum / (data * data) - 1) < 1e-14);
            CHECK(std::abs(out * std::sqrt(sum) / (sigma * data) - 1) < 1e-14);
            CHECK(std::abs(in * std::sqrt(sum) - 1) < 1e-14);
            CHECK(std::abs(time - 0.75 * std::log(sigma)) < 1e-14);
            CHECK(edm_preconditioning{.sigma_data = data, .negative_out = true}.at(sigma).out == -out);
        }
        CHECK(edm_preconditioning{.arctangent_time = true}.at(1).time == 0.5);
    }
    const edm_coefficients start = edm_preconditioning{.sigma_min = 0.002}.at(0.002);
    CHECK(start.skip == 1);
    CHECK(start.out == 0);
    CHECK_THROWS_AS(edm_preconditioning{}.at(0), value_error);
    CHECK_THROWS_AS(edm_preconditioning{}.at(std::nan("")), value_error);
}

TEST_CASE("EDM's preconditioning needs data that varies, and a smallest sigma that is not negative", "[process]") {
    const auto check = [](const edm_preconditioning& options) { require_valid("here", options); };
    CHECK_NOTHROW(check({.sigma_data = 1e-300, .sigma_min = 0}));
    for (const double wrong : {0.0, -0.5, std::nan("")}) {
        CHECK_THROWS_AS(check({.sigma_data = wrong}), value_error);
    }
    for (const double wrong : {-1e-300, std::nan("")}) {
        CHECK_THROWS_AS(check({.sigma_min = wrong}), value_error);
    }
}

TEST_CASE("EDM's coefficients keep their bound of roundings", "[process]") {
    random_numbers random;
    for (int i = 0; i < 2000; ++i) {
        const double sigma = random.of_any_size(1e-4, 1e4);
        const edm_preconditioning options{.sigma_data = random.of_any_size(1e-2, 1e2),
                                          .sigma_min = random.uniform(0, 1) * sigma,
                                          .time_scale = random.uniform(1, 1000),
                                          .arctangent_time = i % 2 == 0};
        const auto [skip, out, in, time] = options.at(sigma);
        const long double s = sigma, data = options.sigma_data, above = s - options.sigma_min;
        const long double length = std::sqrt(s * s + data * data);
        const auto near = [](double got, long double exact) {
            return within(got, exact, roundings<double>(8) * std::abs(exact));
        };
        INFO("sigma " << sigma << ", of the data " << options.sigma_data);
        CHECK(near(skip, data * data / (above * above + data * data)));
        CHECK(near(out, above * data / length));
        CHECK(near(in, 1 / length));
        CHECK(near(time,
                   options.time_scale * (options.arctangent_time ? std::atan(s) * 2 / std::numbers::pi_v<long double>
                                                                 : std::log(s) / 4)));
    }
}

}  // namespace ddpm::test
