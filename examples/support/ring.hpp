// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>

#include <cmath>
#include <numbers>
#include <vector>

namespace examples {

/// Data in the plane: six ellipses on a ring, of different weights, each turned to point outwards.
[[nodiscard]] inline ddpm::gaussian_mixture ring() {
    constexpr int components = 6;
    std::vector<double> weights;
    ddpm::batch<double> means(2, components);
    std::vector<Eigen::MatrixXd> covariances;
    for (int k = 0; k < components; ++k) {
        const double angle = 2 * std::numbers::pi * k / components;
        const Eigen::Vector2d outwards(std::cos(angle), std::sin(angle)), along(-outwards.y(), outwards.x());
        weights.push_back(1 + k % 3);
        means.col(k) = outwards.array();
        covariances.emplace_back(0.03 * outwards * outwards.transpose() + 0.004 * along * along.transpose());
    }
    return ddpm::gaussian_mixture::full(weights, means, covariances);
}

}  // namespace examples
