// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/detail/neighbourhoods.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>

#include <limits>
#include <numeric>
#include <vector>

namespace ddpm {

/// Density and coverage, which are robust to outliers among the real samples where precision and recall are not.
struct density_and_coverage {
    double density;   ///< number of real samples' balls that contain a sample, divided by k, in the mean: about 1 for
                      ///< equal distributions, higher where samples concentrate in dense regions
    double coverage;  ///< the fraction of real samples with a sample in their ball
};

/// Density and coverage by nearest neighbours: a real sample's ball has as radius the distance to its k-th nearest
/// other real sample, boundary included (the authors' code excludes it, which differs for samples that copy real ones).
/// For equal distributions the coverage is 1 − (M − 1)…(M − k) / ((N + M − 1)…(N + M − k)), about 1 − 2^{−k} for M = N:
/// choose k such that this is near 1.
/// @shape samples D × N, real D × M: features, or the samples themselves
/// @throws shape_error if the dimensions differ; value_error if they are 0, there are no samples, or unless 1 ≤ k < M
/// @accuracy counts use distances in double, ties included; NaN if a value is not finite
/// @param progress may stop it: both are then NaN
/// @determinism the same for every thread count
/// @complexity O((N + M) · M · D) as matrix products, in parallel; memory for a fixed number of samples
/// @source Naeem et al. 2020, arXiv 2002.09797 (they take k = 5), with lemma 2 for the mean of the coverage
template <BatchLike Samples, BatchLike Real>
[[nodiscard]] density_and_coverage density_coverage(const Samples& samples, const Real& real, isize k = 5,
                                                    const measurement_callback& progress = {}) {
    const detail::sample_sets sets("density_coverage", samples, real, 1);
    const auto& generated = sets.a;
    const auto& reference = sets.b;
    detail::require_neighbours("density_coverage", k, reference.columns() - 1);
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (!detail::common_mean(generated, reference).allFinite()) {
        return {nan, nan};
    }
    const double n = static_cast<double>(generated.columns()), m = static_cast<double>(reference.columns());
    detail::measurement work(progress, m * m + 2 * n * m);
    const per_sample_values<double> radii = detail::nearest_squared_distances(reference, reference, k, true, work);
    const std::vector<isize> balls = detail::balls_around(generated, reference, radii, work);
    const per_sample_values<double> nearest = detail::nearest_squared_distances(reference, generated, 1, false, work);
    if (work.is_stopped()) {
        return {nan, nan};
    }
    isize covered = 0;
    for (isize i = 0; i < reference.columns(); ++i) {
        covered += nearest(i) <= radii(i) ? 1 : 0;
    }
    return {static_cast<double>(std::accumulate(balls.begin(), balls.end(), isize{0})) /
                static_cast<double>(k * generated.columns()),
            static_cast<double>(covered) / static_cast<double>(reference.columns())};
}

}  // namespace ddpm
