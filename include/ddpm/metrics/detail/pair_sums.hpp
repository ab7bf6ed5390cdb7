// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/detail/pair_blocks.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>
#include <ddpm/metrics/pair_estimate.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

namespace ddpm::detail {

/// The value computed for a pair of samples.
enum class pair_value { product, squared_distance };

/// Calls visit(n, m, values, count) for groups of pairs: sample n of `from` with samples m … m + count − 1 of `to`; the
/// visitor may overwrite the values. With `same_set` both are the same set, and each pair of different samples occurs
/// once. Calls for different n may be parallel; those for one n are sequential, with m ascending. The reported work is
/// the number of pairs, counting both orders.
template <class S, class R, class Visit>
void for_each_pair_group(const batch_view<const S>& from, const batch_view<const R>& to, const batch<double>& origin,
                         pair_value value, bool same_set, measurement& work, const Visit& visit) {
    in_pieces(from.columns(), pair_chunk, static_cast<double>(to.columns()), work, [&](isize first, isize last) {
        walk_pairs(from.middle(first, last - first), to, origin, same_set ? first : 0, [&](const pair_block& block) {
            for (isize n = 0; n < last - first; ++n) {
                const isize skipped = same_set ? std::max<isize>(0, first + n + 1 - block.first) : 0;
                double* const values = block.products.column(n);
                // If the distance is small compared to the norms, this sum suffers from cancellation.
                constexpr double cancelled = 1e-3;
                for (isize m = skipped; value == pair_value::squared_distance && m < block.width; ++m) {
                    const double squares = block.to_squares(0, m) + block.from_squares(0, n);
                    values[m] = squares - 2 * values[m];
                    if (values[m] < cancelled * squares) {
                        values[m] = squared_distance(from.column(first + n), to.column(block.first + m), from.rows());
                    }
                }
                if (skipped < block.width) {
                    visit(first + n, block.first + skipped, values + skipped, block.width - skipped);
                }
            }
        });
    });
}

/// The sum of term(values, count) over all groups of pairs.
/// @determinism the same bits for every thread count
template <class S, class R, class Term>
[[nodiscard]] double sum_over_pairs(const batch_view<const S>& from, const batch_view<const R>& to,
                                    const batch<double>& origin, pair_value value, bool same_set, measurement& work,
                                    const Term& term) {
    std::vector<double> sums(static_cast<std::size_t>(from.columns()), 0.0);
    for_each_pair_group(from, to, origin, value, same_set, work, [&](isize n, isize, double* values, isize count) {
        sums[static_cast<std::size_t>(n)] += term(values, count);
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// E k(x, x') + E k(y, y') − 2 E k(x, y), where `term` sums the kernel k over a group of values, and `self` is k(x, x),
/// not used by the unbiased estimate. NaN if the measurement, of (N + M)² − N M pairs, is stopped.
/// @complexity one pass over all pairs; those within a set are computed once
template <class S, class R, class Term>
[[nodiscard]] double two_sample_estimate(const batch_view<const S>& a, const batch_view<const R>& b,
                                         const batch<double>& origin, pair_value value, pair_estimate estimate,
                                         double self, measurement& work, const Term& term) {
    const double n = static_cast<double>(a.columns()), m = static_cast<double>(b.columns());
    const auto within = [&](const auto& set, double count) {
        const double sum = 2 * sum_over_pairs(set, set, origin, value, true, work, term);
        return estimate == pair_estimate::unbiased ? sum / (count * (count - 1))
                                                   : (sum + count * self) / (count * count);
    };
    const double distance =
        within(a, n) + within(b, m) - 2 * sum_over_pairs(a, b, origin, value, false, work, term) / (n * m);
    return work.is_stopped() ? std::numeric_limits<double>::quiet_NaN() : distance;
}

}  // namespace ddpm::detail
