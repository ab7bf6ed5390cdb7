// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

#include <ddpm/sampler/detail/exponential_weights.hpp>

#include "support/catch.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {
namespace {

// ∫₀¹ e^{z(1−θ)} p(θ) dθ by Gauss–Legendre quadrature of 5 points on 400 intervals, in long double.
template <class P>
long double exponential_integral(long double z, const P& p) {
    constexpr long double nodes[] = {0.0L, 0.538469310105683091036314420700208805L,
                                     0.906179845938663992797626878299392965L};
    constexpr long double weights[] = {0.568888888888888888888888888888888889L, 0.478628670499366468041291514835638193L,
                                       0.236926885056189087514264040719917363L};
    constexpr int intervals = 400;
    long double sum = 0;
    for (int i = 0; i < intervals; ++i) {
        for (int k = -2; k <= 2; ++k) {
            const long double node = k < 0 ? -nodes[-k] : nodes[k];
            const long double theta = (static_cast<long double>(i) + (1 + node) / 2) / intervals;
            sum += weights[k < 0 ? -k : k] * std::exp(z * (1 - theta)) * p(theta);
        }
    }
    return sum / (2 * intervals);
}

}  // namespace

TEST_CASE("phi functions are their integrals", "[sampler]") {
    for (const double z : {-40.0, -9.0, -5.1, -2.5, -1.0, -1e-3, -1e-9, 0.0, 1e-9, 1e-3, 0.7, 2.0, 3.1, 8.0, 20.0}) {
        for (isize k = 1; k <= 8; ++k) {
            const long double factorial = std::tgamma(static_cast<long double>(k));
            const long double exact = exponential_integral(
                z, [&](long double theta) { return std::pow(theta, static_cast<long double>(k - 1)) / factorial; });
            INFO("phi_" << k << "(" << z << ")");
            CHECK(std::abs(static_cast<double>(detail::phi(k, z) / exact - 1)) < 1e-13);
        }
    }
}

TEST_CASE("the weights integrate Lagrange polynomials against exponentials", "[sampler]") {
    const std::vector<std::vector<double>> all_nodes{{0},
                                                     {0, -1},
                                                     {1, 0},
                                                     {0, -1, -2.5},
                                                     {0, -0.3, 1},
                                                     {0, -1, -2, -3},
                                                     {0, -4, -5, 1, -6},
                                                     {0, -1, -2, -3, -4, -5}};
    for (const auto& nodes : all_nodes) {
        for (const double z : {-6.0, -0.8, -1e-6, 0.0, 1e-4, 0.5, 3.0}) {
            const auto moments = detail::exponential_moments(z, static_cast<isize>(nodes.size()));
            const auto weights = detail::lagrange_weights(nodes, moments);
            REQUIRE(weights.size() == nodes.size());
            for (std::size_t j = 0; j < nodes.size(); ++j) {
                const long double exact = exponential_integral(z, [&](long double theta) {
                    long double product = 1;
                    for (std::size_t m = 0; m < nodes.size(); ++m) {
                        product *= m == j ? 1 : (theta - nodes[m]) / (nodes[j] - nodes[m]);
                    }
                    return product;
                });
                INFO(nodes.size() << " nodes, z = " << z << ", weight " << j);
                CHECK(std::abs(static_cast<double>(weights[j] - exact)) < 2e-13 * moments[0]);
            }
        }
    }
}

}  // namespace ddpm::test
