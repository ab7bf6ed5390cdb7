// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace ddpm {

namespace detail {

/// The distance of each sample of `from` to the nearest of `to`; with `same_set` they are one set, and a sample is not
/// its own neighbour.
template <class S, class R>
[[nodiscard]] per_sample_values<double> nearest_distances(const batch_view<const S>& from,
                                                          const batch_view<const R>& to, bool same_set) {
    // Distances by |a|² − 2 a·b + |b|², which is one matrix product, find the neighbour; its distance is then taken
    // from the difference itself, so that a copy has exactly 0. An origin within the data keeps the cancellation small.
    const Eigen::VectorXd centre = to.array().template cast<double>().rowwise().mean().matrix();
    if (!centre.allFinite()) {
        return per_sample_values<double>::Constant(from.columns(), std::numeric_limits<double>::quiet_NaN());
    }
    const Eigen::MatrixXd neighbours = to.array().template cast<double>().matrix().colwise() - centre;
    const Eigen::VectorXd half_squares = 0.5 * neighbours.colwise().squaredNorm().transpose();

    constexpr index chunk = 32;
    constexpr index block = 512;
    per_sample_values<double> distances(from.columns());
    parallel_for(from.columns(), chunk, [&](index first, index last) {
        const index count = last - first;
        const Eigen::MatrixXd queries =
            from.middle(first, count).array().template cast<double>().matrix().colwise() - centre;
        std::vector<index> nearest(static_cast<std::size_t>(count), 0);
        if (same_set && first == 0) {
            nearest[0] = 1;
        }
        Eigen::VectorXd least = Eigen::VectorXd::Constant(count, std::numeric_limits<double>::infinity());
        Eigen::MatrixXd scores(std::min(block, to.columns()), count);
        for (index start = 0; start < to.columns(); start += block) {
            const index width = std::min(block, to.columns() - start);
            auto score = scores.topRows(width);
            score.noalias() = -neighbours.middleCols(start, width).transpose() * queries;
            score.colwise() += half_squares.segment(start, width);
            for (index n = 0; n < count; ++n) {
                for (index m = 0; m < width; ++m) {
                    if (score(m, n) < least[n] && !(same_set && start + m == first + n)) {
                        least[n] = score(m, n);
                        nearest[static_cast<std::size_t>(n)] = start + m;
                    }
                }
            }
        }
        for (index n = 0; n < count; ++n) {
            const auto a = from.array().col(first + n).template cast<double>();
            const auto b = to.array().col(nearest[static_cast<std::size_t>(n)]).template cast<double>();
            distances[first + n] = std::sqrt((a - b).square().sum());
        }
    });
    return distances;
}

}  // namespace detail

/// For each sample of `from`, the Euclidean distance to the nearest sample of `to`, in double arithmetic. A sample that
/// is not finite has the distance NaN or infinity; if `to` is not finite, all have NaN.
/// @shape from D × N, to D × M; the result 1 × N
/// @throws shape_error if the dimensions differ
/// @throws value_error if `to` is empty
/// @determinism the same for every thread count
/// @complexity O(N · M · D), side by side over `from`
template <BatchLike From, BatchLike To>
[[nodiscard]] per_sample_values<double> nearest_neighbour_distances(const From& from, const To& to) {
    const detail::readable<From> from_memory(from);
    const detail::readable<To> to_memory(to);
    const auto& a = from_memory.view();
    const auto& b = to_memory.view();
    if (a.rows() != b.rows()) {
        throw shape_error("nearest_neighbour_distances", "sets of the same dimension", a.rows(), b.rows());
    }
    if (b.columns() < 1) {
        throw value_error("nearest_neighbour_distances", "nothing to be near to", "at least 1 sample", b.columns());
    }
    return detail::nearest_distances(a, b, false);
}

/// For each sample of a set, the Euclidean distance to the nearest other sample of the set.
/// @shape set D × N; the result 1 × N
/// @throws value_error if there are fewer than two samples
/// @determinism the same for every thread count
template <BatchLike Set>
[[nodiscard]] per_sample_values<double> nearest_neighbour_distances(const Set& set) {
    const detail::readable<Set> a(set);
    if (a.view().columns() < 2) {
        throw value_error("nearest_neighbour_distances", "too few samples to have neighbours", "at least 2",
                          a.view().columns());
    }
    return detail::nearest_distances(a.view(), a.view(), true);
}

/// The mean distance of generated samples to the nearest real one. Far below the same figure of the real samples among
/// themselves, the model copies; far above, it blurs.
/// @shape samples D × N, real D × M
/// @throws shape_error if the dimensions differ
/// @throws value_error if a set is empty
template <BatchLike Samples, BatchLike Real>
[[nodiscard]] double mean_nearest_neighbour_distance(const Samples& samples, const Real& real) {
    const per_sample_values<double> distances = nearest_neighbour_distances(samples, real);
    if (distances.size() < 1) {
        throw value_error("mean_nearest_neighbour_distance", "no samples", "at least 1", distances.size());
    }
    return distances.mean();
}

/// The mean distance of the samples of a set to their nearest other sample.
/// @throws value_error if there are fewer than two samples
template <BatchLike Set>
[[nodiscard]] double mean_nearest_neighbour_distance(const Set& set) {
    return nearest_neighbour_distances(set).mean();
}

}  // namespace ddpm
