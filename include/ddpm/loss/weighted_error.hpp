// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/squared_error.hpp>
#include <ddpm/loss/noised_batch.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/concept.hpp>

#include <algorithm>
#include <string_view>

namespace ddpm::detail {

/// The true quantity of one kind as a combination of x_0 and ε.
struct target_coefficients {
    double x0;
    double eps;
};

template <std::floating_point Real>
[[nodiscard]] target_coefficients target_of(prediction kind, const marginal<Real>& level) {
    const double alpha = static_cast<double>(level.signal);
    const double sigma = static_cast<double>(level.sigma);
    switch (kind) {
        case prediction::epsilon: return {0, 1};
        case prediction::x0: return {1, 0};
        case prediction::v: return {-sigma, alpha};
        case prediction::score: break;
    }
    return {0, -1 / sigma};
}

/// The mean over all elements of weight(t) · (prediction − target)², and its gradient with respect to the prediction. Every
/// loss of this family differs in the weight only, since all kinds of prediction are affine in each other.
/// @complexity one pass over memory
/// @determinism the same bits for every thread count
template <NoiseSchedule Schedule, Scalar S, class Weight>
double weighted_error(std::string_view where, const Schedule& schedule, prediction kind, const noised_batch<S>& noised,
                      batch_view<const S> predicted, batch_view<S> d_predicted, const Weight& weight) {
    require_noised_batch(where, noised, predicted, d_predicted);
    for (index n = 0; n < predicted.columns(); ++n) {
        require_timestep(where, schedule, noised.t[n]);
    }
    const double per_element = 1 / static_cast<double>(predicted.size());
    const index grain = std::max<index>(1, 8192 / predicted.rows());
    return per_element * parallel_sum(predicted.columns(), grain, [&](index first, index last) {
        double sum = 0;
        for (index n = first; n < last; ++n) {
            const index t = noised.t[n];
            const double w = weight(t);
            const target_coefficients target = target_of(kind, marginal_at(schedule, t));
            sum += w * kernels::squared_error(predicted.rows(), predicted.column(n), static_cast<S>(target.x0),
                                              noised.x0.column(n), static_cast<S>(target.eps), noised.eps.column(n),
                                              static_cast<S>(2 * w * per_element), d_predicted.column(n));
        }
        return sum;
    });
}

}  // namespace ddpm::detail
