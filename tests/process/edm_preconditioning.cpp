// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/process/edm_preconditioning.hpp>

#include "support/catch.hpp"

#include <cmath>

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
    const auto check = [](const edm_preconditioning& options) { detail::require_valid("here", options); };
    CHECK_NOTHROW(check({.sigma_data = 1e-300, .sigma_min = 0}));
    for (const double wrong : {0.0, -0.5, std::nan("")}) {
        CHECK_THROWS_AS(check({.sigma_data = wrong}), value_error);
    }
    for (const double wrong : {-1e-300, std::nan("")}) {
        CHECK_THROWS_AS(check({.sigma_min = wrong}), value_error);
    }
}

}  // namespace ddpm::test
