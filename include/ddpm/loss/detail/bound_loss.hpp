// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/loss/bound_term.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/decoder.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <string_view>

namespace ddpm::detail {

/// @throws shape_error unless the head and its gradient have the prediction's shape
template <Scalar S>
void require_head(std::string_view where, batch_view<const S> predicted, batch_view<const S> head,
                  batch_view<S> d_head) {
    require_same_shape(where, "head has the shape of the prediction", predicted, head);
    require_same_shape(where, "d_head has the shape of the prediction", predicted, d_head);
}

/// Options of bound_loss.
struct bound_loss_options {
    reverse_variance variance;
    const any_decoder& decoder;
    double scale;                                            ///< ≥ 0
    bool adds = false;                                       ///< adds to noised.losses instead of overwriting it
    double limit = std::numeric_limits<double>::infinity();  ///< x̂_0 is clamped to [−limit, limit] for d_head only
};

/// @throws value_error for options outside their domain
inline void require_bound_options(std::string_view where, const bound_loss_options& options) {
    require_valid(where, options.decoder);
    require(options.scale >= 0 && std::isfinite(options.scale), where, "weight of the bound", {"finite and >= 0"},
            {options.scale});
}

/// @throws value_error for options outside their domain, or if the bound has no term at t
template <NoiseSchedule Schedule>
void require_bound_term(std::string_view where, const Schedule& schedule, prediction kind,
                        const bound_loss_options& options, isize t) {
    require_bound_options(where, options);
    static_cast<void>(bound_step_at(schedule, kind, options.variance, t, t - 1));
}

/// `scale` times the weighted mean over the samples of their terms of the bound, in bits per dimension, and its
/// gradients unless they are empty. Each term is a weighted sum over elements. All checks come before any output.
/// @determinism the same bits for every thread count
template <NoiseSchedule Schedule, Scalar S>
double bound_loss(std::string_view where, const Schedule& schedule, prediction kind, const bound_loss_options& options,
                  const noised_batch<S>& noised, batch_view<const S> predicted, batch_view<const S> head,
                  batch_view<S> d_predicted, batch_view<S> d_head) {
    require_bound_options(where, options);
    const isize rows = predicted.rows(), columns = predicted.columns();
    const auto step_of = [&](isize n) {
        bound_step step = bound_step_at(schedule, kind, options.variance, noised.t[n], noised.t[n] - 1);
        step.limit = options.limit;
        return step;
    };
    for (isize n = 0; n < columns; ++n) {
        require_timestep(where, schedule, noised.t[n]);
        static_cast<void>(step_of(n));
    }
    const double per_element = options.scale / (static_cast<double>(rows) * std::numbers::ln2);
    const double per_sample = 1 / static_cast<double>(columns);
    const isize grain = std::max<isize>(1, 4096 / rows);
    return per_sample * parallel_sum(columns, grain, [&](isize first, isize last) {
               double sum = 0;
               for (isize n = first; n < last; ++n) {
                   const double weight = noised.weight_of(n);
                   const bound_column<S> column{
                       .x0 = noised.x0.column(n),
                       .xt = noised.xt.column(n),
                       .predicted = predicted.column(n),
                       .head = head.size() == 0 ? nullptr : head.column(n),
                       .d_predicted = d_predicted.size() == 0 ? nullptr : d_predicted.column(n),
                       .d_head = d_head.size() == 0 ? nullptr : d_head.column(n),
                       .weight = noised.element_weight.size() == 0 ? nullptr : noised.element_weight.column(n),
                       .scale = weight * per_element * per_sample};
                   const double term = per_element * bound_term(step_of(n), options.decoder, rows, column).term;
                   if (!noised.losses.empty()) {
                       double& own = noised.losses[static_cast<std::size_t>(n)];
                       own = options.adds ? own + term : term;
                   }
                   sum += weight * term;
               }
               return sum;
           });
}

}  // namespace ddpm::detail
