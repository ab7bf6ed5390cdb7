// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/detail/neighbourhoods.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm {

/// How much of what a model generates is realistic, and how much of the real distribution it covers.
struct precision_and_recall {
    double precision;  ///< the fraction of samples within the manifold of the real ones
    double recall;     ///< the fraction of real samples within the manifold of the samples
};

/// Precision and recall by nearest neighbours: a set's manifold is the union of balls around its samples, each with the
/// distance to its k-th nearest other sample as radius, boundary included.
/// @shape samples D × N, real D × M: features, or the samples themselves
/// @throws shape_error if the dimensions differ; value_error if the dimension is 0, or unless 1 ≤ k < N, M
/// @accuracy counts use distances in double, ties included; NaN if a value is not finite
/// @param progress may stop it: both are then NaN
/// @determinism the same for every thread count
/// @complexity O((N + M)² · D) as matrix products, in parallel; memory for a fixed number of samples
/// @source Kynkäänniemi et al. 2019, arXiv 1904.06991, equations 1 and 2 (they take k = 3)
template <BatchLike Samples, BatchLike Real>
[[nodiscard]] precision_and_recall precision_recall(const Samples& samples, const Real& real, isize k = 3,
                                                    const measurement_callback& progress = {}) {
    const detail::sample_sets sets("precision_recall", samples, real, 2);
    const auto& generated = sets.a;
    const auto& reference = sets.b;
    detail::require_neighbours("precision_recall", k, std::min(generated.columns(), reference.columns()) - 1);
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (!detail::common_mean(generated, reference).allFinite()) {
        return {nan, nan};
    }
    const double pairs = static_cast<double>(generated.columns()) * static_cast<double>(reference.columns());
    detail::measurement work(progress, detail::pairs_of(generated.columns(), reference.columns()) + pairs);
    const auto share_among = [&](const auto& points, const auto& set) {
        const std::vector<isize> balls =
            detail::balls_around(points, set, detail::nearest_squared_distances(set, set, k, true, work), work);
        return static_cast<double>(balls.size() - static_cast<std::size_t>(std::count(balls.begin(), balls.end(), 0))) /
               static_cast<double>(balls.size());
    };
    const precision_and_recall result{share_among(generated, reference), share_among(reference, generated)};
    return work.is_stopped() ? precision_and_recall{nan, nan} : result;
}

}  // namespace ddpm
