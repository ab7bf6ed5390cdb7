// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/detail/neighbourhoods.hpp>

#include <cmath>
#include <limits>

namespace ddpm {

namespace detail {

/// The square roots, or NaN if the measurement was stopped.
[[nodiscard]] inline per_sample_values<double> distances_if_finished(per_sample_values<double> squares,
                                                                     const measurement& work) {
    for (isize n = 0; n < squares.size(); ++n) {
        squares(n) = work.is_stopped() ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares(n));
    }
    return squares;
}

}  // namespace detail

/// For each sample of `from`, the Euclidean distance to the k-th nearest sample of `to`, in double; exactly 0 for a
/// copy. NaN for a sample that is not finite; NaN for all if `to` is not finite.
/// @shape from D × N, to D × M; the result 1 × N
/// @throws shape_error if the dimensions differ
/// @throws value_error if `to` is empty, or unless 1 ≤ k ≤ M
/// @accuracy relative (D / 2 + 2) · 2⁻⁵³
/// @param progress may stop it: all results are then NaN
/// @determinism the same bits for every thread count
/// @complexity O(N · M · D) as matrix products, in parallel over `from`; memory for a fixed number of samples
template <BatchLike From, BatchLike To>
[[nodiscard]] per_sample_values<double> nearest_neighbour_distances(const From& from, const To& to, isize k = 1,
                                                                    const measurement_callback& progress = {}) {
    const detail::readable<From> from_memory(from);
    const detail::readable<To> to_memory(to);
    const auto& a = from_memory.view();
    const auto& b = to_memory.view();
    if (a.rows() != b.rows()) {
        throw shape_error("nearest_neighbour_distances", "sets of the same dimension", a.rows(), b.rows());
    }
    detail::require_neighbours("nearest_neighbour_distances", k, b.columns());
    detail::measurement work(progress, static_cast<double>(a.columns()) * static_cast<double>(b.columns()));
    return detail::distances_if_finished(detail::nearest_squared_distances(a, b, k, false, work), work);
}

/// For each sample of a set, the Euclidean distance to its k-th nearest other sample.
/// @shape set D × N; the result 1 × N
/// @throws value_error if there are fewer than two samples, or unless 1 ≤ k < N
/// @accuracy as above
/// @param progress may stop it: all results are then NaN
/// @determinism the same bits for every thread count
template <BatchLike Set>
[[nodiscard]] per_sample_values<double> nearest_neighbour_distances(const Set& set, isize k = 1,
                                                                    const measurement_callback& progress = {}) {
    const detail::readable<Set> a(set);
    detail::require_neighbours("nearest_neighbour_distances", k, a.view().columns() - 1);
    const double count = static_cast<double>(a.view().columns());
    detail::measurement work(progress, count * count);
    return detail::distances_if_finished(detail::nearest_squared_distances(a.view(), a.view(), k, true, work), work);
}

/// The mean distance of generated samples to the nearest real sample. If it is far below that of the real samples among
/// themselves, the model copies its training data; if far above, its samples are blurred or off the data.
/// @shape samples D × N, real D × M
/// @throws shape_error if the dimensions differ
/// @throws value_error if a set is empty
/// @accuracy relative (D / 2 + 2 + N) · 2⁻⁵³
template <BatchLike Samples, BatchLike Real>
[[nodiscard]] double mean_nearest_neighbour_distance(const Samples& samples, const Real& real,
                                                     const measurement_callback& progress = {}) {
    const per_sample_values<double> distances = nearest_neighbour_distances(samples, real, 1, progress);
    if (distances.size() < 1) {
        throw value_error("mean_nearest_neighbour_distance", "no samples", "at least 1", distances.size());
    }
    return distances.mean();
}

/// The mean distance of the samples of a set to their nearest other sample of the set.
/// @shape set D × N
/// @throws value_error if there are fewer than two samples
/// @accuracy as above
template <BatchLike Set>
[[nodiscard]] double mean_nearest_neighbour_distance(const Set& set, const measurement_callback& progress = {}) {
    return nearest_neighbour_distances(set, 1, progress).mean();
}

}  // namespace ddpm
