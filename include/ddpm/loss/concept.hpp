// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/loss/noised_batch.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <concepts>

namespace ddpm {

/// A training loss: loss(schedule, kind, noised, predicted, d_predicted) returns the loss of a batch and writes its
/// gradient with respect to the prediction. It multiplies each sample by its weight, and writes each sample's loss to
/// noised.losses unless that is empty.
///
/// Two optional members let a loss reject a training before its first step instead of by an exception in the middle:
/// - `loss.require_time(schedule, kind, t)` throws value_error if the loss is undefined at a time t that may be drawn;
/// - `loss.require_data(x0, element_weight)`, or `loss.require_data(x0)`, throws value_error for unsuitable data.
/// A loss that supports element weights must declare it, see WeighsElements.
template <class L, class Schedule, class S>
concept TrainingLoss = requires(const L& loss, const Schedule& schedule, prediction kind,
                                const noised_batch<S, time_type<Schedule>>& noised, batch_view<const S> predicted,
                                batch_view<S> d_predicted) {
    { loss(schedule, kind, noised, predicted, d_predicted) } -> std::convertible_to<double>;
};

/// As above, for a network with a variance head: loss(schedule, kind, noised, predicted, head, d_predicted, d_head).
template <class L, class Schedule, class S>
concept VarianceLoss =
    requires(const L& loss, const Schedule& schedule, prediction kind,
             const noised_batch<S, time_type<Schedule>>& noised, batch_view<const S> values, batch_view<S> gradient) {
        { loss(schedule, kind, noised, values, values, gradient, gradient) } -> std::convertible_to<double>;
    };

}  // namespace ddpm
