// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/detail/pair_sums.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm {

/// The median of the distances between different samples of two sets taken together, the usual bandwidth of a Gaussian
/// kernel. If the sets have more than `most` samples, only every k-th of each is used, k = ⌈(N + M) / most⌉.
/// @shape a D × N, b D × M
/// @throws shape_error if the dimensions differ; value_error if the dimension is 0, a set is empty, or most < 2
/// @accuracy as energy_distance; NaN if a value that is used is not finite
/// @param progress may stop it: the result is then NaN
/// @determinism the same for every thread count
/// @complexity O(most² · D); memory for most²/2 numbers
/// @source Gretton et al. 2012, JMLR 13, section 8
template <BatchLike A, BatchLike B>
[[nodiscard]] double median_distance(const A& a, const B& b, isize most = 1000,
                                     const measurement_callback& progress = {}) {
    const detail::sample_sets sets("median_distance", a, b, 1);
    if (most < 2) {
        throw value_error("median_distance", "number of samples to take", ">= 2", most);
    }
    const isize step = (sets.a.columns() + sets.b.columns() - 1) / most + 1;
    const auto every = [&]<class S>(const batch_view<const S>& x) {
        return batch_view<const S>(x.data(), x.rows(), (x.columns() - 1) / step + 1, x.stride() * step);
    };
    const auto first = every(sets.a);
    const auto second = every(sets.b);
    const isize n = first.columns(), m = second.columns();
    const batch<double> origin = detail::common_mean(first, second);
    if (!origin.allFinite()) {
        return std::numeric_limits<double>::quiet_NaN();
    }

    detail::measurement work(progress, detail::pairs_of(n, m));
    std::vector<double> squares(static_cast<std::size_t>((n + m) * (n + m - 1) / 2));
    const auto collect = [&](const auto& from, const auto& to, bool same_set, double* out) {
        detail::for_each_pair_group(from, to, origin, detail::pair_value::squared_distance, same_set, work,
                                    [&](isize i, isize j, const double* values, isize count) {
                                        // Within one set, sample i is paired only with those after it.
                                        const isize before = same_set ? i * (i + 3) / 2 + 1 : 0;
                                        std::copy_n(values, count, out + i * to.columns() - before + j);
                                    });
    };
    collect(first, first, true, squares.data());
    collect(second, second, true, squares.data() + n * (n - 1) / 2);
    collect(first, second, false, squares.data() + n * (n - 1) / 2 + m * (m - 1) / 2);

    if (work.is_stopped()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const auto middle = squares.begin() + static_cast<std::ptrdiff_t>(squares.size() / 2);
    std::nth_element(squares.begin(), middle, squares.end());
    const double upper = std::sqrt(*middle);
    return squares.size() % 2 == 1 ? upper : (upper + std::sqrt(*std::max_element(squares.begin(), middle))) / 2;
}

}  // namespace ddpm
