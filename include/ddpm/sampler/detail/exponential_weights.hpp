// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace ddpm::detail {

/// φ_k(z) = ∫₀¹ e^{z(1−θ)} θ^{k−1}/(k−1)! dθ for k ≥ 1: φ_1 = (e^z − 1)/z, φ_{k+1} = (φ_k − 1/k!)/z.
/// @accuracy a few units in the last place of terms of size φ_k(|z|): the recursion is used for |z| > k + 1, and the
/// series where its terms fall from the first one
/// @source Hochbruck and Ostermann 2010, Acta Numerica 19, equations 2.10 and 2.11
[[nodiscard]] inline double phi(isize k, double z) {
    double reciprocal_factorial = 1;  // of k − 1
    for (isize i = 2; i < k; ++i) {
        reciprocal_factorial /= static_cast<double>(i);
    }
    if (std::abs(z) > static_cast<double>(k + 1)) {
        return k == 1 ? std::expm1(z) / z : (phi(k - 1, z) - reciprocal_factorial) / z;
    }
    double term = reciprocal_factorial / static_cast<double>(k), sum = 0;
    for (isize n = k + 1; sum + term != sum; ++n) {
        sum += term;
        term *= z / static_cast<double>(n);
    }
    return sum;
}

/// ∫₀¹ e^{z(1−θ)} θ^k dθ = k! φ_{k+1}(z) for k = 0 … count − 1.
[[nodiscard]] inline std::vector<double> exponential_moments(double z, isize count) {
    std::vector<double> moments;
    double factorial = 1;
    for (isize k = 0; k < count; ++k) {
        moments.push_back(factorial * phi(k + 1, z));
        factorial *= static_cast<double>(k + 1);
    }
    return moments;
}

/// The weights w_j with ∫ p = Σ w_j p(node j) for all polynomials p of degree < number of nodes, where the integral is
/// given by its moments ∫ θ^k: w_j is the integral of the Lagrange polynomial of node j.
/// @shape as many moments as nodes; the nodes differ
[[nodiscard]] inline std::vector<double> lagrange_weights(const std::vector<double>& nodes,
                                                          const std::vector<double>& moments) {
    const std::size_t count = nodes.size();
    std::vector<double> weights(count);
    for (std::size_t j = 0; j < count; ++j) {
        std::vector<double> polynomial{1};  // coefficient of θ^k at position k
        for (std::size_t m = 0; m < count; ++m) {
            if (m == j) {
                continue;
            }
            const double width = nodes[j] - nodes[m];
            polynomial.push_back(0);
            for (std::size_t k = polynomial.size() - 1; k > 0; --k) {
                polynomial[k] = (polynomial[k - 1] - nodes[m] * polynomial[k]) / width;
            }
            polynomial[0] = -nodes[m] * polynomial[0] / width;
        }
        for (std::size_t k = 0; k < count; ++k) {
            weights[j] += polynomial[k] * moments[k];
        }
    }
    return weights;
}

}  // namespace ddpm::detail
