// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>

#include <Eigen/Core>

#include <algorithm>

namespace ddpm {

/// The Gaussian with the mean and covariance of a set of samples.
struct gaussian_fit {
    Eigen::VectorXd mean;        ///< D
    Eigen::MatrixXd covariance;  ///< D × D, symmetric
};

/// Fits a Gaussian to samples: their mean, and their covariance with 1 / (N − 1), in double arithmetic.
/// @shape samples D × N
/// @throws value_error if there are fewer than two samples, or they have no elements
/// @complexity O(N · D²), and the memory of two D × D matrices
template <BatchLike Samples>
[[nodiscard]] gaussian_fit fit_gaussian(const Samples& samples) {
    const detail::readable<Samples> memory(samples);
    const auto& x = memory.view();
    if (x.columns() < 2) {
        throw value_error("fit_gaussian", "too few samples for a covariance", "at least 2", x.columns());
    }
    if (x.rows() < 1) {
        throw value_error("fit_gaussian", "samples without elements", "dimension >= 1", x.rows());
    }

    gaussian_fit fit{Eigen::VectorXd::Zero(x.rows()), Eigen::MatrixXd::Zero(x.rows(), x.rows())};
    for (index n = 0; n < x.columns(); ++n) {
        fit.mean += x.middle(n, 1).array().col(0).template cast<double>().matrix();
    }
    fit.mean /= static_cast<double>(x.columns());

    // The mean is taken off first: sums of raw squares would cancel where the mean is large against the spread.
    constexpr index chunk = 256;
    for (index first = 0; first < x.columns(); first += chunk) {
        const auto part = x.middle(first, std::min(chunk, x.columns() - first));
        const Eigen::MatrixXd centred = part.array().template cast<double>().matrix().colwise() - fit.mean;
        fit.covariance.selfadjointView<Eigen::Lower>().rankUpdate(centred);
    }
    fit.covariance /= static_cast<double>(x.columns() - 1);
    fit.covariance.triangularView<Eigen::StrictlyUpper>() = fit.covariance.transpose();
    return fit;
}

}  // namespace ddpm
