// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/philox_normal.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace ddpm {

/// Options of sliced_wasserstein.
struct sliced_wasserstein_options {
    isize directions = 128;           ///< number of random directions, which bounds the sampling error
    double power = 2;                 ///< p of W_p, at least 1 and finite
    std::uint64_t seed = 0;           ///< of the directions
    measurement_callback progress{};  ///< may stop it: the result is then NaN
};

/// W_p^p of two sorted sets of numbers: the mean of |difference|^p of their quantile functions.
/// @throws value_error if a set is empty
/// @accuracy for sets of N and M numbers relative (N + M + 4) · 2⁻⁵³, for p = 1 and 2
[[nodiscard]] inline double wasserstein_of_sorted(std::span<const double> a, std::span<const double> b, double power) {
    if (a.empty() || b.empty()) {
        throw value_error("wasserstein_of_sorted", "number of samples", ">= 1", 0);
    }
    // Both quantile functions are step functions: visits the union of their steps, with positions in units of 1/(n·m).
    const double n = static_cast<double>(a.size()), m = static_cast<double>(b.size());
    double sum = 0, at = 0;
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
        const double end_a = static_cast<double>(i + 1) * m, end_b = static_cast<double>(j + 1) * n;
        const double end = std::min(end_a, end_b);
        const double distance = std::abs(a[i] - b[j]);
        sum += (end - at) * (power == 1 ? distance : power == 2 ? distance * distance : std::pow(distance, power));
        at = end;
        i += end_a <= end ? 1 : 0;
        j += end_b <= end ? 1 : 0;
    }
    return sum / (n * m);
}

/// The sliced Wasserstein distance of two sample sets: (mean over random directions of W_p^p of the projections)^{1/p}.
/// It is 0 only for equal sets, and needs no features.
/// @shape a D × N, b D × M
/// @throws shape_error if the dimensions differ
/// @throws value_error if the dimension is 0, or a set is empty; unless 1 ≤ directions ≤ 2³² and 1 ≤ power < ∞
/// @accuracy in double whatever the samples' type; NaN if a value is not finite
/// @determinism the same for every thread count
/// @complexity O(directions · (N + M) · (D + log(N + M)))
/// @source Bonneel et al. 2015, doi 10.1007/s10851-014-0506-3
template <BatchLike A, BatchLike B>
[[nodiscard]] double sliced_wasserstein(const A& a, const B& b, const sliced_wasserstein_options& options = {}) {
    const detail::sample_sets sets("sliced_wasserstein", a, b, 1);
    const auto& first = sets.a;
    const auto& second = sets.b;
    if (options.directions < 1 || options.directions > isize{1} << 32 ||
        !(options.power >= 1 && std::isfinite(options.power))) {
        throw value_error("sliced_wasserstein", "directions and power", ">= 1, directions <= 2^32, power finite",
                          detail::text(options.directions, ", ", options.power));
    }
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    if (!detail::common_mean(first, second).allFinite()) {
        return nan;
    }
    batch<double> directions(first.rows(), options.directions);
    kernels::philox_normal<double>({.seed = options.seed}, directions);
    for (isize d = 0; d < options.directions; ++d) {
        double* const direction = &directions(0, d);
        const double length = std::sqrt(std::inner_product(direction, direction + directions.rows(), direction, 0.0));
        for (isize i = 0; i < directions.rows(); ++i) {
            direction[i] /= length;
        }
    }
    std::vector<double> costs(static_cast<std::size_t>(options.directions));
    detail::measurement work(options.progress, static_cast<double>(options.directions));
    detail::in_pieces(options.directions, 1, 1, work, [&](isize from, isize to) {
        std::vector<double> along_a, along_b;
        const auto project = [&](const auto& set, isize d, std::vector<double>& along) {
            along.resize(static_cast<std::size_t>(set.columns()));
            for (isize n = 0; n < set.columns(); ++n) {
                const auto* const sample = set.column(n);
                along[static_cast<std::size_t>(n)] =
                    std::inner_product(sample, sample + set.rows(), &directions(0, d), 0.0);
            }
            std::sort(along.begin(), along.end());
        };
        for (isize d = from; d < to; ++d) {
            project(first, d, along_a);
            project(second, d, along_b);
            costs[static_cast<std::size_t>(d)] = wasserstein_of_sorted(along_a, along_b, options.power);
        }
    });
    if (work.is_stopped()) {
        return nan;
    }
    const double sum = std::accumulate(costs.begin(), costs.end(), 0.0);
    return std::pow(sum / static_cast<double>(options.directions), 1 / options.power);
}

}  // namespace ddpm
