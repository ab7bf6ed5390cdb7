// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>

#include <span>
#include <string_view>

namespace ddpm {

/// What a training loss knows of a noised batch: x_t = α x_0 + σ ε. A loss is the mean of its samples' losses, each
/// times its weight, and so is its gradient. `Time` is isize for a discrete schedule, double for a continuous one: its
/// time_type.
template <Scalar S, class Time = isize>
struct noised_batch {
    batch_view<const S> x0;   ///< D × N
    batch_view<const S> eps;  ///< D × N
    batch_view<const S> xt;   ///< D × N
    per_sample<Time> t;       ///< 0-based, or the time u of a continuous schedule; one per sample or one for all
    std::span<const double> weight{};  ///< of each sample; empty: 1
    std::span<double> losses{};        ///< written: the loss of each sample, without its weight; empty: not wanted
    batch_view<const S> element_weight{};  ///< D × N: of each element; empty: 1

    [[nodiscard]] double weight_of(isize n) const noexcept {
        return weight.empty() ? 1 : weight[static_cast<std::size_t>(n)];
    }
};

namespace detail {

/// @throws shape_error unless all batches have one shape, and there is a t for each sample, and a weight and a place
/// for its loss where there are any
template <Scalar S, class Time>
void require_noised_batch(std::string_view where, const noised_batch<S, Time>& noised, batch_view<const S> predicted,
                          batch_view<S> d_predicted) {
    require_same_shape(where, "x0 has the shape of the prediction", predicted, noised.x0);
    require_same_shape(where, "eps has the shape of the prediction", predicted, noised.eps);
    require_same_shape(where, "xt has the shape of the prediction", predicted, noised.xt);
    require_same_shape(where, "d_predicted has the shape of the prediction", predicted, d_predicted);
    noised.t.require_columns(where, predicted.columns());
    for (const isize count : {static_cast<isize>(noised.weight.size()), static_cast<isize>(noised.losses.size())}) {
        if (count != 0 && count != predicted.columns()) {
            throw shape_error(where, "weight and losses, one per sample", predicted.columns(), count);
        }
    }
    if (predicted.size() == 0) {
        throw shape_error(where, "empty batch", "at least one element", 0);
    }
}

}  // namespace detail

}  // namespace ddpm
