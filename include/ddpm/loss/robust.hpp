// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/robust_error.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/weighted_error.hpp>
#include <ddpm/loss/weighting.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>

namespace ddpm {

namespace detail {

/// The mean over all elements of weight · penalty(error), with the error and the weight of its square in `space`.
template <NoiseProcess Schedule, Scalar S>
double mean_penalty(std::string_view where, kernels::detail::penalty penalty, double limit, const Schedule& schedule,
                    prediction kind, prediction space, const loss_weighting& weighting,
                    const noised_batch<S, time_type<Schedule>>& noised, batch_view<const S> predicted,
                    batch_view<S> d_predicted) {
    require_noised_batch(where, schedule, noised, predicted, d_predicted);
    const double per_element = 1 / static_cast<double>(predicted.size());
    const auto weight_of = [&](auto t) { return weight_at(schedule, weighting, space, t); };
    const auto terms_of = [&](isize n) {
        const auto level = noise_level_at(schedule, noised.t[n]);
        const double scale = std::abs(conversion(kind, space, level).value);
        const double w = weight_of(noised.t[n]) * noised.weight_of(n);
        const target_coefficients target = target_of(kind, level);
        return kernels::detail::robust_terms<S>{static_cast<S>(target.x0), static_cast<S>(target.eps), w,
                                                static_cast<S>(scale), static_cast<S>(w * scale * per_element)};
    };
    const S finite = static_cast<S>(std::min(limit, static_cast<double>(std::numeric_limits<S>::max())));
    const double sum = kernels::detail::robust_error(penalty, finite, predicted, noised.x0, noised.eps, terms_of,
                                                     d_predicted, losses_of(noised), noised.element_weight);
    scale_losses(noised, predicted.rows(), weight_of);
    return per_element * sum;
}

/// @throws value_error if mean_penalty with a sample at t would
template <NoiseProcess Schedule>
void require_penalty_time(const Schedule& schedule, const loss_weighting& weighting, prediction kind, prediction space,
                          time_type<Schedule> t) {
    static_cast<void>(weight_at(schedule, weighting, space, t));
    static_cast<void>(conversion(kind, space, noise_level_at(schedule, t)));
}

}  // namespace detail

/// The mean absolute error over all elements, and its gradient with respect to the prediction, 0 where the error is 0.
/// The error is measured in `space`, or as the prediction itself if that is empty; the weighting is that of the squared
/// error of the same quantity.
/// @source torch.nn.L1Loss
struct l1_loss {
    static constexpr bool weighs_elements = true;

    std::optional<prediction> space{};
    loss_weighting weighting{};

    /// @shape predicted and d_predicted D × N; d_predicted is overwritten
    /// @throws shape_error if the shapes differ or the batch is empty; value_error unless the schedule is defined at
    /// all t, as weight_at, and for element weights that are negative or not finite
    /// @accuracy the error, |scale| · (prediction − a x_0 − b ε) with the scale of `conversion`: at most 8 roundings
    /// (2⁻²⁴ in float, 2⁻⁵³ in double) of |scale| (|prediction| + |a x_0| + |b ε|). The loss of the errors, in double: at
    /// most D N + 32 roundings of it
    template <NoiseProcess Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S, time_type<Schedule>>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<S>> d_predicted) const {
        return detail::mean_penalty("l1_loss", kernels::detail::penalty::absolute, 1, schedule, kind,
                                    space.value_or(kind), weighting, noised, predicted, d_predicted);
    }

    /// @throws value_error if a call with a sample at t would
    template <NoiseProcess Schedule>
    void require_time(const Schedule& schedule, prediction kind, time_type<Schedule> t) const {
        detail::require_penalty_time(schedule, weighting, kind, space.value_or(kind), t);
    }
};

/// The Huber loss: half the squared error up to `delta`, above it delta · (|error| − delta/2). Otherwise as l1_loss.
/// @source torch.nn.HuberLoss; divided by delta it is torch.nn.SmoothL1Loss
struct huber_loss {
    static constexpr bool weighs_elements = true;

    double delta = 1;
    std::optional<prediction> space{};
    loss_weighting weighting{};

    /// @shape predicted and d_predicted D × N; d_predicted is overwritten
    /// @throws as l1_loss; value_error unless delta > 0 in the scalar type S
    /// @accuracy as l1_loss
    template <NoiseProcess Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S, time_type<Schedule>>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<S>> d_predicted) const {
        require_delta<S>();
        return detail::mean_penalty("huber_loss", kernels::detail::penalty::huber, delta, schedule, kind,
                                    space.value_or(kind), weighting, noised, predicted, d_predicted);
    }

    /// @throws value_error if a call with a sample at t would, in double
    template <NoiseProcess Schedule>
    void require_time(const Schedule& schedule, prediction kind, time_type<Schedule> t) const {
        require_delta<double>();
        detail::require_penalty_time(schedule, weighting, kind, space.value_or(kind), t);
    }

private:
    template <Scalar S>
    void require_delta() const {
        if (!(delta >= static_cast<double>(std::numeric_limits<S>::min()))) {
            throw value_error("huber_loss", "delta", "> 0, as the network's scalar has it", delta);
        }
    }
};

}  // namespace ddpm
