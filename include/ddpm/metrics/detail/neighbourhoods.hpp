// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/detail/pair_blocks.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

namespace ddpm::detail {

/// The squared distance of each sample of `from` to the k-th nearest of `to`; with `same_set` they are the same set,
/// and a sample is not its own neighbour. NaN if fewer than k distances can be compared. Matrix products only preselect
/// candidates; the distances are those of `squared_distance`.
template <class S, class R>
[[nodiscard]] per_sample_values<double> nearest_squared_distances(const batch_view<const S>& from,
                                                                  const batch_view<const R>& to, isize k, bool same_set,
                                                                  measurement& work) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    per_sample_values<double> result =
        per_sample_values<double>::Constant(from.columns(), std::numeric_limits<double>::quiet_NaN());
    const batch<double> origin = sum_of_samples(to) / static_cast<double>(to.columns());
    if (!origin.allFinite()) {
        return result;
    }
    const double kept = 1 - distance_slack(from.rows());
    in_pieces(from.columns(), pair_chunk, static_cast<double>(to.columns()), work, [&](isize first, isize last) {
        const isize count = last - first;
        // For each sample a max-heap of its k smallest distances so far.
        std::vector<std::vector<double>> least(static_cast<std::size_t>(count));
        walk_pairs(from.middle(first, count), to, origin, 0, [&](const pair_block& block) {
            for (isize n = 0; n < count; ++n) {
                std::vector<double>& heap = least[static_cast<std::size_t>(n)];
                const auto bound = [&] { return static_cast<isize>(heap.size()) < k ? infinity : heap.front(); };
                for (isize m = 0; m < block.width; ++m) {
                    const double squares = block.to_squares(0, m) + block.from_squares(0, n);
                    if (!(kept * squares - 2 * block.products(m, n) < bound()) ||
                        (same_set && block.first + m == first + n)) {
                        continue;
                    }
                    const double distance =
                        squared_distance(from.column(first + n), to.column(block.first + m), from.rows());
                    if (!(distance < bound())) {
                        continue;
                    }
                    if (static_cast<isize>(heap.size()) == k) {
                        std::pop_heap(heap.begin(), heap.end());
                        heap.pop_back();
                    }
                    heap.push_back(distance);
                    std::push_heap(heap.begin(), heap.end());
                }
            }
        });
        for (isize n = 0; n < count; ++n) {
            const std::vector<double>& heap = least[static_cast<std::size_t>(n)];
            if (static_cast<isize>(heap.size()) == k) {
                result[first + n] = heap.front();
            }
        }
    });
    return result;
}

/// For each sample of `points`, the number of balls around the samples of `centres` that contain it, boundaries
/// included. Cases that rounding could decide are computed by `squared_distance`, as the radii are.
template <class S, class R>
[[nodiscard]] std::vector<isize> balls_around(const batch_view<const S>& points, const batch_view<const R>& centres,
                                              const per_sample_values<double>& squared_radii, measurement& work) {
    std::vector<isize> counts(static_cast<std::size_t>(points.columns()), 0);
    const batch<double> origin = common_mean(points, centres);
    const double slack = distance_slack(points.rows());
    in_pieces(points.columns(), pair_chunk, static_cast<double>(centres.columns()), work, [&](isize first, isize last) {
        walk_pairs(points.middle(first, last - first), centres, origin, 0, [&](const pair_block& block) {
            for (isize n = 0; n < last - first; ++n) {
                for (isize m = 0; m < block.width; ++m) {
                    const double squares = block.to_squares(0, m) + block.from_squares(0, n);
                    const double excess = squares - 2 * block.products(m, n) - squared_radii[block.first + m];
                    const bool inside = excess < -slack * squares ||
                                        (excess <= slack * squares &&
                                         squared_distance(points.column(first + n), centres.column(block.first + m),
                                                          points.rows()) <= squared_radii[block.first + m]);
                    counts[static_cast<std::size_t>(first + n)] += inside ? 1 : 0;
                }
            }
        });
    });
    return counts;
}

/// @throws value_error unless 1 ≤ k ≤ the number of neighbours
inline void require_neighbours(std::string_view where, isize k, isize there_are) {
    if (there_are < 1) {
        throw value_error(where, "number of samples", "at least one other to be a neighbour", "none");
    }
    if (k < 1 || k > there_are) {
        throw value_error(where, "which neighbour", text("1 <= k <= ", there_are), k);
    }
}

}  // namespace ddpm::detail
