// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/metrics/detail/pair_sums.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>
#include <ddpm/metrics/median_distance.hpp>
#include <ddpm/metrics/pair_estimate.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace ddpm {

/// Options of squared_mmd.
struct mmd_options {
    std::vector<double> bandwidths{};  ///< h of the Gaussians whose mean is the kernel; empty: median_distance
    pair_estimate estimate = pair_estimate::unbiased;  ///< of the means over pairs within a set
    measurement_callback progress{};                   ///< may stop it: the result is then NaN
};

/// The squared maximum mean discrepancy of two sample sets, E k(x, x') + E k(y, y') − 2 E k(x, y), with the Gaussian
/// kernel k(x, y) = exp(−|x − y|² / (2 h²)), or the mean of several. 0 only for equal distributions, where the unbiased
/// estimate is negative more often than not, so do not take its root; at most 2. The V-statistic is not negative, up to
/// rounding.
/// @shape a D × N, b D × M
/// @units h in the units of the samples
/// @throws shape_error if the dimensions differ
/// @throws value_error if the dimension is 0, a set is empty, or has only one sample for the unbiased estimate; if a
/// bandwidth is not positive and finite, or none is given and the median distance is 0
/// @accuracy each distance as in energy_distance; in double whatever the samples' type; NaN if a value is not finite
/// @determinism the same bits for every thread count
/// @complexity O((N + M)² · (D + bandwidths)) with matrix products, in parallel; memory for a fixed number of samples
/// @source Gretton et al. 2012, JMLR 13, lemma 6; mixtures: Li et al. 2015, arXiv 1502.02761
template <BatchLike A, BatchLike B>
[[nodiscard]] double squared_mmd(const A& a, const B& b, const mmd_options& options = {}) {
    const detail::sample_sets sets("squared_mmd", a, b, least_samples(options.estimate));
    const batch<double> origin = detail::common_mean(sets.a, sets.b);
    if (!origin.allFinite()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    std::vector<double> factors = options.bandwidths;
    if (factors.empty()) {
        factors = {median_distance(sets.a, sets.b)};
    }
    for (double& factor : factors) {
        if (!(factor > 0 && std::isfinite(factor))) {
            throw value_error("squared_mmd", "bandwidth", "positive and finite", factor);
        }
        factor = -0.5 / factor / factor;
    }
    detail::measurement work(options.progress, detail::pairs_of(sets.a.columns(), sets.b.columns()));
    const auto kernels_of = [&](const double* squares, isize count) {
        constexpr isize piece = 64;
        std::array<double, piece> powers;
        double sum = 0;
        for (isize first = 0; first < count; first += piece) {
            const isize width = std::min(piece, count - first);
            for (const double factor : factors) {
                for (isize m = 0; m < width; ++m) {
                    powers[static_cast<std::size_t>(m)] = factor * squares[first + m];
                }
                kernels::exp<double>(width, powers.data(), powers.data());
                for (isize m = 0; m < width; ++m) {
                    sum += powers[static_cast<std::size_t>(m)];
                }
            }
        }
        return sum / static_cast<double>(factors.size());
    };
    return detail::two_sample_estimate(sets.a, sets.b, origin, detail::pair_value::squared_distance, options.estimate,
                                       1, work, kernels_of);
}

}  // namespace ddpm
