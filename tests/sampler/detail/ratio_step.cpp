// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/ratio_step.hpp>

#include "sampler/detail/factor_of.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm::test {

TEST_CASE("a step in sigma / alpha moves y along the shared slope", "[sampler]") {
    const noise_level<double> from{0.25, 1}, to{0.5, 0.75};  // ρ from 4 to 1.5
    const auto sum = detail::ratio_step(from, to, 3, {{3, 0.2}, {1, 0.8}});
    // y = x_0 + 4 ε_3, then −2.5 (0.2 ε_3 + 0.8 ε_1), times 0.5.
    CHECK(factor_of(sum, quantity::x0, 3) == 0.5);
    CHECK(std::abs(factor_of(sum, quantity::eps, 3) - 0.5 * (4 - 0.5)) < 1e-15);
    CHECK(std::abs(factor_of(sum, quantity::eps, 1) + 0.5 * 2) < 1e-15);
    // Terms without a factor are left out.
    CHECK(detail::ratio_step(from, to, 3, {{3, 1}, {1, 0}}).size() == 2);
    CHECK(factor_of(detail::ratio_step(from, to, 3, {{3, 1}}), quantity::eps, 3) == 0.75);
}

TEST_CASE("a step to or from a level without signal is that of Euler", "[sampler]") {
    for (const auto& [from, to] : {std::pair{noise_level<double>{0, 1}, noise_level<double>{0.5, 0.5}},
                                   std::pair{noise_level<double>{0.5, 0.5}, noise_level<double>{0, 1}}}) {
        const auto sum = detail::ratio_step(from, to, 2, {{2, 1.5}, {1, -0.5}});
        CHECK(factor_of(sum, quantity::x0, 2) == to.signal);
        CHECK(factor_of(sum, quantity::eps, 2) == to.sigma);
        CHECK(factor_of(sum, quantity::eps, 1) == 0);
    }
    const auto end = detail::euler_step({1, 0}, 2);
    REQUIRE(end.size() == 1);
    CHECK(end[0].of == quantity::x0);
    CHECK(end[0].factor == 1);
    const auto inner = detail::euler_step({0.5, 0.25}, 2);
    CHECK(inner.size() == 2);
    CHECK(factor_of(inner, quantity::x0, 2) == 0.5);
    CHECK(factor_of(inner, quantity::eps, 2) == 0.25);
    CHECK(detail::has_inner_points({1, 2}, {1, 1}));
    CHECK(!detail::has_inner_points({1, 2}, {1, 2}));
    CHECK(!detail::has_inner_points({1, 2}, {1, 0}));
    CHECK(!detail::has_inner_points({0, 1}, {0.5, 0.5}));
}

TEST_CASE("weights are exact integrals of the polynomial through the newest slopes", "[sampler]") {
    detail::adams_history history(3);
    const double nodes[] = {9, 5, 4.5, 2};
    for (isize k = 0; k < 4; ++k) {
        history.add(k, nodes[k]);
    }
    const auto weights = history.weights(0.7);
    REQUIRE(weights.size() == 3);
    for (int degree = 0; degree < 3; ++degree) {
        double sum = 0;
        for (const auto& [evaluation, weight] : weights) {
            sum += weight * std::pow(nodes[evaluation], degree);
        }
        const double integral = (std::pow(0.7, degree + 1) - std::pow(2, degree + 1)) / (degree + 1);
        CHECK(std::abs(sum * (0.7 - 2) - integral) < 1e-13);
    }
    CHECK(weights[0].evaluation == 3);
}

TEST_CASE("a node that comes again takes the place of the old one, one at infinity none", "[sampler]") {
    detail::adams_history history(4);
    history.add(0, std::numeric_limits<double>::infinity());
    history.add(1, 4);
    history.add(2, 4);
    const auto one = history.weights(3);
    REQUIRE(one.size() == 1);
    CHECK(one[0].evaluation == 2);
    CHECK(one[0].weight == 1);
    history.add(3, 3);
    const auto two = history.weights(2);
    REQUIRE(two.size() == 2);
    CHECK(std::abs(two[0].weight - 1.5) < 1e-15);
    CHECK(std::abs(two[1].weight + 0.5) < 1e-15);
    CHECK(two[1].evaluation == 2);
}

TEST_CASE("a step is split into a lower level and noise that makes up for it", "[sampler]") {
    for (const double eta : {0.0, 0.4, 1.0, 5.0}) {
        for (const double to : {0.0, 0.5, 2.9, 3.0}) {
            const auto [down, up] = detail::split_step(3, to, eta);
            CHECK(std::abs(down * down + up * up - to * to) < 1e-14);
            CHECK(std::abs(up - std::min(to, eta * std::sqrt(to * to * (9 - to * to) / 9))) < 1e-15);
        }
    }
    const auto [down, up] = detail::split_step(std::numeric_limits<double>::infinity(), 2, 1);
    CHECK(down == 0);
    CHECK(up == 2);
}

TEST_CASE("eta and s_noise must not be negative", "[sampler]") {
    CHECK_NOTHROW(detail::require_ancestral("test", 0, 0));
    CHECK_THROWS_AS(detail::require_ancestral("test", -1, 1), value_error);
    CHECK_THROWS_AS(detail::require_ancestral("test", std::nan(""), 1), value_error);
    CHECK_THROWS_AS(detail::require_ancestral("test", 1, -1), value_error);
    CHECK_THROWS_AS(detail::require_ancestral("test", 1, std::nan("")), value_error);
}

}  // namespace ddpm::test
