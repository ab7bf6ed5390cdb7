// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/predictor/gaussian_mixture.hpp>

#include <Eigen/Core>

#include <cmath>
#include <numbers>
#include <span>
#include <string>
#include <vector>

namespace ddpm::test {

/// A mixture, with what it was made from.
struct named_mixture {
    std::string name;
    gaussian_mixture mixture;
    batch<double> means;  // that it was given: computed twice, a compiler may round them otherwise
    std::vector<Eigen::MatrixXd> covariances;

    /// The density of the data at x_0, by the textbook.
    [[nodiscard]] double density(const Eigen::VectorXd& x0) const {
        double sum = 0;
        for (isize k = 0; k < mixture.components(); ++k) {
            const Eigen::MatrixXd& c = covariances[static_cast<std::size_t>(k)];
            const Eigen::VectorXd r = x0 - mixture.means().col(k).matrix();
            sum += mixture.weights()[static_cast<std::size_t>(k)] * std::exp(-0.5 * r.dot(c.inverse() * r)) /
                   std::sqrt((2 * std::numbers::pi * c).determinant());
        }
        return sum;
    }
};

/// Means that are not near each other nor 0.
inline batch<double> some_means(isize dimension, isize components) {
    batch<double> means(dimension, components);
    for (isize k = 0; k < components; ++k) {
        for (isize i = 0; i < dimension; ++i) {
            means(i, k) = std::sin(static_cast<double>(1 + i + 3 * k)) * 1.5 + 0.2;
        }
    }
    return means;
}

inline Eigen::MatrixXd some_covariance(isize dimension, isize k) {
    Eigen::MatrixXd a(dimension, dimension);
    for (isize j = 0; j < dimension; ++j) {
        for (isize i = 0; i < dimension; ++i) {
            a(i, j) = std::cos(static_cast<double>(i * i + 2 * j + 5 * k)) * 0.5;
        }
    }
    const Eigen::MatrixXd square = a * a.transpose();
    return (square + square.transpose()) / 2 + 0.05 * Eigen::MatrixXd::Identity(dimension, dimension);
}

/// A mixture of three components for each kind of covariance.
inline std::vector<named_mixture> all_mixtures(isize dimension) {
    const std::vector<double> weights{0.5, 0.3, 0.2}, isotropic{0.04, 0.1, 0.3};
    const batch<double> means = some_means(dimension, 3);
    batch<double> diagonal(dimension, 3);
    std::vector<Eigen::MatrixXd> of_isotropic, of_diagonal, full;
    for (isize k = 0; k < 3; ++k) {
        for (isize i = 0; i < dimension; ++i) {
            diagonal(i, k) = 0.05 + 0.1 * static_cast<double>((i + 2 * k) % 4);
        }
        const double variance = isotropic[static_cast<std::size_t>(k)];
        of_isotropic.push_back(variance * Eigen::MatrixXd::Identity(dimension, dimension));
        of_diagonal.push_back(diagonal.col(k).matrix().asDiagonal());
        full.push_back(some_covariance(dimension, k));
    }
    return {{"isotropic", gaussian_mixture::isotropic(weights, means, isotropic), means, of_isotropic},
            {"diagonal", gaussian_mixture::diagonal(weights, means, diagonal), means, of_diagonal},
            {"full", gaussian_mixture::full(weights, means, full), means, full}};
}

}  // namespace ddpm::test
