// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/gaussian_fit.hpp>

#include <Eigen/Eigenvalues>

#include <algorithm>
#include <concepts>
#include <limits>

namespace ddpm {

/// The squared Fréchet (2-Wasserstein) distance between two Gaussians: |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½). Never
/// negative, 0 for equal Gaussians; NaN if a value is not finite.
/// @throws shape_error if the dimensions differ, or a covariance is not D × D
/// @accuracy the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, needed for the trace, come from symmetric decompositions; those that
/// rounding makes negative count as 0, so covariances may be singular. With values near 1 within 1e-12 of the formula for
/// dimensions up to 3, and within 1e-6 of 0 for equal singular covariances
/// @source Dowson and Landau 1982; as the "FID" of samples: Heusel et al. 2017, arXiv 1706.08500
/// @complexity O(D³)
template <std::same_as<gaussian_fit> Fit>  // a template only so that Eigen's solver is not compiled unless used
[[nodiscard]] double frechet_distance(const Fit& a, const Fit& b) {
    using matrix = decltype(Fit::covariance);
    using vector = decltype(Fit::mean);
    const isize dimension = a.mean.size();
    if (b.mean.size() != dimension) {
        throw shape_error("frechet_distance", "Gaussians of the same dimension", dimension, b.mean.size());
    }
    for (const matrix* covariance : {&a.covariance, &b.covariance}) {
        if (covariance->rows() != dimension || covariance->cols() != dimension) {
            throw shape_error("frechet_distance", "covariance of the mean's dimension",
                              detail::text(dimension, " x ", dimension),
                              detail::text(covariance->rows(), " x ", covariance->cols()));
        }
    }
    if (!a.mean.allFinite() || !b.mean.allFinite() || !a.covariance.allFinite() || !b.covariance.allFinite()) {
        return std::numeric_limits<double>::quiet_NaN();
    }

    // (Σ₁ Σ₂)^½ and (Σ₁^½ Σ₂ Σ₁^½)^½ have the same trace, and the latter is the root of a symmetric matrix.
    const Eigen::SelfAdjointEigenSolver<matrix> of_a(a.covariance);
    const vector deviations = of_a.eigenvalues().cwiseMax(0.0).cwiseSqrt();
    const matrix root_a = of_a.eigenvectors() * deviations.asDiagonal() * of_a.eigenvectors().transpose();
    const matrix product = root_a * b.covariance * root_a;
    const Eigen::SelfAdjointEigenSolver<matrix> of_product(product, Eigen::EigenvaluesOnly);
    const double trace_of_root = of_product.eigenvalues().cwiseMax(0.0).cwiseSqrt().sum();
    const double distance =
        (a.mean - b.mean).squaredNorm() + a.covariance.trace() + b.covariance.trace() - 2 * trace_of_root;
    return std::max(distance, 0.0);
}

/// The squared Fréchet distance between Gaussians fitted to two sample sets. With Inception features this is the FID;
/// features must be computed by the caller, or use the samples themselves. It is biased upwards by about a constant
/// divided by the number of samples: compare at equal numbers, and use more than D samples.
/// @shape a D × N, b D × M
/// @throws shape_error if the dimensions differ
/// @throws value_error if a set has fewer than two samples, or no elements
/// @accuracy as fit_gaussian and the overload above
/// @param progress covers both fits; it may stop them: the result is then NaN
/// @determinism the same bits for every thread count
/// @source Heusel et al. 2017, arXiv 1706.08500, equation 6
/// @complexity O((N + M) · D² + D³), the former in parallel; memory for a few D × D matrices
template <BatchLike A, BatchLike B>
[[nodiscard]] double frechet_distance(const A& a, const B& b, const measurement_callback& progress = {}) {
    if (a.rows() != b.rows()) {
        throw shape_error("frechet_distance", "sets of the same dimension", a.rows(), b.rows());
    }
    const detail::readable<A> first(a);
    const detail::readable<B> second(b);
    const double n = static_cast<double>(first.view().columns()), m = static_cast<double>(second.view().columns());
    detail::measurement work(progress, n + m);
    const auto tell = [&](double before, double count) -> measurement_callback {
        if (!progress) {
            return {};
        }
        return [&work, before, count](const measurement_progress& p) { return work.reach(before + p.part * count); };
    };
    const gaussian_fit of_a = fit_gaussian(first.view(), tell(0, n));
    if (work.is_stopped()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    return frechet_distance(of_a, fit_gaussian(second.view(), tell(n, m)));
}

}  // namespace ddpm
