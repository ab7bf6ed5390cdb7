// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace ddpm::kernels::detail {

/// The q-quantile of |x| over `size` > 0 elements, by linear interpolation between the two order statistics around rank
/// q · (size − 1), as in torch.quantile and numpy.quantile. NaN if an element is NaN. Uses `size` elements of scratch,
/// which may be x.
/// @complexity linear on average
template <Scalar S>
[[nodiscard]] S absolute_quantile(isize size, const S* x, double q, S* scratch) {
    bool has_nan = false;
    for (isize i = 0; i < size; ++i) {
        has_nan = has_nan || std::isnan(x[i]);
        scratch[i] = std::abs(x[i]);
    }
    if (has_nan) {  // NaN cannot be sorted
        return std::numeric_limits<S>::quiet_NaN();
    }
    const double rank = q * static_cast<double>(size - 1);
    const isize below = std::min(static_cast<isize>(rank), size - 1);
    S* const nth = scratch + below;
    std::nth_element(scratch, nth, scratch + size);
    const S weight = static_cast<S>(rank - static_cast<double>(below));
    if (weight == 0) {
        return *nth;
    }
    const S next = *std::min_element(nth + 1, scratch + size);
    return weight < S(0.5) ? *nth + weight * (next - *nth) : next - (next - *nth) * (1 - weight);  // torch.lerp
}

/// quantiles[n] = absolute_quantile of column n: the limits of x̂_0 in dynamic thresholding.
/// @shape x and scratch D × N, D > 0, scratch may be x; quantiles N
/// @source Saharia et al. 2022, arXiv 2205.11487, section 2.3
template <Scalar S>
void absolute_quantiles(batch_view<const S> x, double q, batch_view<S> scratch, S* quantiles) {
    parallel_for(x.columns(), columns_per_task(x.rows(), 8), [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            quantiles[n] = absolute_quantile(x.rows(), x.column(n), q, scratch.column(n));
        }
    });
}

}  // namespace ddpm::kernels::detail
