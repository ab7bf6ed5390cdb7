// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <limits>

namespace ddpm {

/// The Gaussian with the mean and covariance of a set of samples.
struct gaussian_fit {
    Eigen::VectorXd mean;        ///< D
    Eigen::MatrixXd covariance;  ///< D × D, symmetric
};

/// Fits a Gaussian to samples: their mean, and their covariance with divisor N − 1, in double.
/// @shape samples D × N
/// @throws value_error if there are fewer than two samples, or they have no elements
/// @accuracy to first order in u = 2⁻⁵³: of a mean N · u times the mean of |x|; of the covariance of two elements
/// (N + 4) · u times the product of their deviations, plus 2 times the product of the errors of their means
/// @param progress may stop it: all values are then NaN
/// @determinism the same bits for every thread count
/// @complexity O(N · D²) as matrix products, in parallel; memory for one D × D matrix and 256 samples
template <BatchLike Samples>
[[nodiscard]] gaussian_fit fit_gaussian(const Samples& samples, const measurement_callback& progress = {}) {
    const detail::readable<Samples> memory(samples);
    const auto& x = memory.view();
    if (x.columns() < 2) {
        throw value_error("fit_gaussian", "too few samples for a covariance", "at least 2", x.columns());
    }
    if (x.rows() < 1) {
        throw value_error("fit_gaussian", "samples without elements", "dimension >= 1", x.rows());
    }

    const isize dimension = x.rows();
    const double count = static_cast<double>(x.columns());
    const batch<double> mean = detail::sum_of_samples(x) / count;
    gaussian_fit fit{mean.matrix(), Eigen::MatrixXd::Zero(dimension, dimension)};

    detail::measurement work(progress, count);
    // The mean is subtracted first: with a mean much larger than the deviations, sums of raw squares would cancel.
    constexpr isize chunk = 256;
    for (isize first = 0; first < x.columns(); first += chunk) {
        const auto part = x.middle(first, std::min(chunk, x.columns() - first));
        const batch<double> centred = part.array().template cast<double>().colwise() - mean.col(0);
        const auto factor = kernels::matrix_of(batch_view<const double>(centred));
        kernels::matrix_product<double>(factor, factor.transposed(), fit.covariance, {.accumulate = true});
        if (!work.add(static_cast<double>(part.columns()))) {
            fit.mean.setConstant(std::numeric_limits<double>::quiet_NaN());
            fit.covariance.setConstant(std::numeric_limits<double>::quiet_NaN());
            return fit;
        }
    }
    fit.covariance /= count - 1;
    return fit;
}

}  // namespace ddpm
