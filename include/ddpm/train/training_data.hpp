// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>

#include <optional>
#include <span>

namespace ddpm {

/// The data of a training. It does not own the memory.
template <Scalar S>
struct training_data {
    batch_view<const S> x0;                ///< D × N: the samples
    ddpm::condition<S> condition{};        ///< what the network is told of each of them
    batch_view<const S> element_weight{};  ///< D × N: how much each element counts in the loss, ≥ 0; empty: 1
};

/// How often each form of condition is replaced by a null value in training, so that the network also learns the
/// unconditional prediction that guidance needs. Forms are dropped independently. The null value is given here, or
/// learned by the network (condition_shape::learned). With self-conditioning there is no learned null for maps, since
/// it would also replace the estimate.
struct condition_dropout {
    double label = 0;  ///< the probability, for each form
    double vector = 0;
    double map = 0;
    std::optional<isize> null_label{};      ///< without one: the network's own
    std::span<const double> null_vector{};  ///< E; empty: the network's own
    std::span<const double> null_map{};     ///< one for each channel, the same at all pixels; empty: the network's own
};

}  // namespace ddpm
