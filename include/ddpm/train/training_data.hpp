// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/condition.hpp>
#include <ddpm/core/types.hpp>

#include <optional>
#include <span>

namespace ddpm {

/// What a network is trained on. It refers to somebody else's memory.
template <Scalar S>
struct training_data {
    batch_view<const S> x0;                ///< D × N: the samples
    ddpm::condition<S> condition{};        ///< what the network is told of each of them
    batch_view<const S> element_weight{};  ///< D × N: how much each element counts in the loss, ≥ 0; empty: 1
};

/// How often a sample is shown as if its condition were not known, so that the network learns to do without: for guidance.
/// The forms are dropped independently of each other. What is shown instead is named here, or is what the network has
/// learned for it (condition_shape::learned); with self-conditioning no learned value stands for maps, since it would stand
/// for the estimate too.
struct condition_dropout {
    double label = 0;  ///< the probability, for each form
    double vector = 0;
    double map = 0;
    std::optional<isize> null_label{};      ///< without one: the network's own
    std::span<const double> null_vector{};  ///< E; empty: the network's own
    std::span<const double> null_map{};     ///< one for each channel, the same at all pixels; empty: the network's own
};

}  // namespace ddpm
