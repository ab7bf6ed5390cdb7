// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/loss/noised_batch.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <concepts>

namespace ddpm {

/// What the trainer minimizes: loss(schedule, kind, noised, predicted, d_predicted) returns the loss of a batch and
/// writes its gradient with respect to the prediction. It counts each sample with its weight, and writes each sample's
/// loss where noised.losses has a place for it.
///
/// A loss that knows beforehand what it cannot do may say so in either of two more members, which the trainer calls before
/// the first step, so that no run ends in the middle by an exception:
/// - `loss.require_time(schedule, kind, t)` throws value_error if it has no value at a time that may be drawn;
/// - `loss.require_data(x0, element_weight)`, or `loss.require_data(x0)`, throws value_error if it is not for such data.
/// A loss that counts weights of elements says so, see WeighsElements.
template <class L, class Schedule, class S>
concept TrainingLoss = requires(const L& loss, const Schedule& schedule, prediction kind,
                                const noised_batch<S, time_type<Schedule>>& noised, batch_view<const S> predicted,
                                batch_view<S> d_predicted) {
    { loss(schedule, kind, noised, predicted, d_predicted) } -> std::convertible_to<double>;
};

/// The same for a network with a variance head: loss(schedule, kind, noised, predicted, head, d_predicted, d_head).
template <class L, class Schedule, class S>
concept VarianceLoss = requires(const L& loss, const Schedule& schedule, prediction kind,
                                const noised_batch<S, time_type<Schedule>>& noised, batch_view<const S> values,
                                batch_view<S> gradient) {
    { loss(schedule, kind, noised, values, values, gradient, gradient) } -> std::convertible_to<double>;
};

}  // namespace ddpm
