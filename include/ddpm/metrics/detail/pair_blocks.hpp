// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#include <algorithm>
#include <limits>
#include <numeric>

namespace ddpm::detail {

/// How many samples of `from` a task compares with blocks of samples of `to`.
inline constexpr isize pair_chunk = 64;

/// The amount of work of two_sample_estimate.
[[nodiscard]] inline double pairs_of(isize n, isize m) {
    const double a = static_cast<double>(n), b = static_cast<double>(m);
    return a * a + a * b + b * b;
}

/// All pairs of the samples of a chunk with samples first … first + width − 1 of `to`, relative to an origin.
struct pair_block {
    isize first;
    isize width;
    batch_view<double> products;        ///< inner products, `to` by `from`; the visitor may overwrite them
    const batch<double>& to_squares;    ///< 1 × width or more: squared norms
    const batch<double>& from_squares;  ///< 1 × the chunk's samples or more
};

/// Calls visit(pair_block) for blocks of `to` starting at sample `start`, each with all of `from`, which must have few
/// samples. Products are computed in double, over slabs of rows, so that memory does not depend on D or N.
template <class S, class R, class Visit>
void walk_pairs(const batch_view<const S>& from, const batch_view<const R>& to, const batch<double>& origin,
                isize start, const Visit& visit) {
    constexpr isize slab = 1024;
    constexpr isize block = 256;
    const isize rows = from.rows();
    const isize height = std::min(rows, slab), widest = std::min(to.columns() - start, block);
    batch<double> queries(height, from.columns()), others(height, widest), products(widest, from.columns());
    batch<double> from_squares(1, from.columns()), to_squares(1, widest);
    const auto load = [&](const auto& samples, isize row, batch<double>& part, batch<double>& squares) {
        const isize count = samples.columns(), taken = std::min(slab, rows - row);
        for (isize n = 0; n < count; ++n) {
            const auto* const sample = samples.column(n) + row;
            double* const centred = &part(0, n);
            for (isize i = 0; i < taken; ++i) {
                centred[i] = static_cast<double>(sample[i]) - origin(row + i, 0);
            }
            squares(0, n) = std::inner_product(centred, centred + taken, centred, row == 0 ? 0.0 : squares(0, n));
        }
        return batch_view<const double>(part).middle_rows(0, taken).middle(0, count);
    };
    for (isize first = start; first < to.columns(); first += block) {
        const isize width = std::min(block, to.columns() - first);
        const batch_view<double> result = batch_view<double>(products).middle_rows(0, width);
        for (isize row = 0; row < rows; row += slab) {
            const batch_view<const double> a = rows > slab || first == start ? load(from, row, queries, from_squares)
                                                                             : batch_view<const double>(queries);
            const batch_view<const double> b = load(to.middle(first, width), row, others, to_squares);
            kernels::matrix_product<double>(kernels::matrix_of(b).transposed(), kernels::matrix_of(a), result,
                                            {.accumulate = row > 0});
        }
        visit(pair_block{first, width, result, to_squares, from_squares});
    }
}

/// The squared distance computed from the difference: exactly 0 for copies, and symmetric.
template <class S, class R>
[[nodiscard]] double squared_distance(const S* a, const R* b, isize size) {
    double sum = 0;
    for (isize i = 0; i < size; ++i) {
        const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
        sum += difference * difference;
    }
    return sum;
}

/// An upper bound of the difference of |x|² − 2 x·y + |y|² and `squared_distance`, in units of |x|² + |y|²: twice the
/// bound of the rounding error of three sums of D terms.
[[nodiscard]] inline double distance_slack(isize dimension) {
    return static_cast<double>(4 * dimension + 16) * std::numeric_limits<double>::epsilon();
}

}  // namespace ddpm::detail
