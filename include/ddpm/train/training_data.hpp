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
    batch_view<const S> x0;                ///< the samples, D × N
    ddpm::condition<S> condition{};        ///< of each sample
    batch_view<const S> element_weight{};  ///< weight of each element in the loss, ≥ 0, D × N; empty: 1
};

/// How often each form of condition is replaced by a null value in training, so that the network also learns the
/// unconditional prediction that guidance needs. Forms are dropped independently. The null value is given here, or
/// learned by the network (condition_shape::learned). With self-conditioning there is no learned null for maps, since
/// it would also replace the estimate.
struct condition_dropout {
    double label = 0;                       ///< the probability that a sample's label is dropped
    double vector = 0;                      ///< that its vector is
    double map = 0;                         ///< that its maps are
    double sequence = 0;                    ///< that its sequence is; the null value is always learned by the network
    std::optional<isize> null_label{};      ///< default: learned by the network
    std::span<const double> null_vector{};  ///< E values; empty: learned by the network
    std::span<const double> null_map{};     ///< a value per channel, the same at all pixels; empty: learned
};

}  // namespace ddpm
