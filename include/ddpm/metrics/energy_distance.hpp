// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/measurement.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/metrics/detail/pair_sums.hpp>
#include <ddpm/metrics/detail/sample_sets.hpp>
#include <ddpm/metrics/pair_estimate.hpp>

#include <cmath>

namespace ddpm {

/// The energy distance of two sample sets, 2 E|x − y| − E|x − x'| − E|y − y'|: 0 only for equal distributions. It has
/// no parameters, and the units of the samples. (Some authors take its square root.)
/// @shape a D × N, b D × M
/// @throws shape_error if the dimensions differ
/// @throws value_error if the dimension is 0, or a set is empty, or has only one sample for the unbiased estimate
/// @accuracy each distance to a relative 1e-12 · √D, however small; in double whatever the samples' type; NaN if a
/// value is not finite
/// @param progress may stop it: the result is then NaN
/// @determinism the same bits for every thread count
/// @complexity O((N + M)² · D) as matrix products, in parallel; memory for a fixed number of samples
/// @source Székely and Rizzo 2013, doi 10.1016/j.jspi.2013.03.018
template <BatchLike A, BatchLike B>
[[nodiscard]] double energy_distance(const A& a, const B& b, pair_estimate estimate = pair_estimate::unbiased,
                                     const measurement_callback& progress = {}) {
    const detail::sample_sets sets("energy_distance", a, b, least_samples(estimate));
    const batch<double> origin = detail::common_mean(sets.a, sets.b);
    detail::measurement work(progress, detail::pairs_of(sets.a.columns(), sets.b.columns()));
    const auto distances = [](const double* squares, isize count) {
        double sum = 0;
        for (isize m = 0; m < count; ++m) {
            sum += std::sqrt(squares[m]);
        }
        return sum;
    };
    return -detail::two_sample_estimate(sets.a, sets.b, origin, detail::pair_value::squared_distance, estimate, 0, work,
                                        distances);
}

}  // namespace ddpm
