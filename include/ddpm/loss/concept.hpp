// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

// IWYU pragma: begin_exports
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/noise_process.hpp>
// IWYU pragma: end_exports

#include <concepts>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace ddpm {

/// A noised batch x_t = α x_0 + σ ε, the input of a training loss. A loss is
///     1/(D N) Σ weight[n] · element_weight(i, n) · w(t) · error(i, n)
/// over all elements i of all samples n, where w(t) and the error (or divergence) depend on the loss. The sum is always
/// divided by D N, so an element of weight 0 counts as one without error. For the mean over a subset of the elements,
/// give the subset the weight D N / (its size), and the others 0. `Time` is the time_type of the schedule: isize or
/// double.
template <Scalar S, class Time = isize>
struct noised_batch {
    batch_view<const S> x0;   ///< D × N
    batch_view<const S> eps;  ///< D × N
    batch_view<const S> xt;   ///< D × N
    per_sample<Time> t;       ///< 0-based, or the time u of a continuous schedule; one per sample or one for all
    std::span<const double> weight{};  ///< per sample; empty: 1
    std::span<double> losses{};        ///< output: the loss of each sample, without `weight`; empty: not computed
    /// Per element, D × N, finite and ≥ 0; empty: 1. Elements of weight 0 are not read: x_0, ε, x_t and the network's
    /// output may be NaN or infinite there, and the gradient is 0. Only for a loss that is WeighsElements.
    batch_view<const S> element_weight{};
    bool weights_are_valid = false;  ///< the element weights are known to be finite and ≥ 0, and are not checked again

    /// The weight of sample n: weight[n], or 1 if no weights are given.
    [[nodiscard]] double weight_of(isize n) const noexcept {
        return weight.empty() ? 1 : weight[static_cast<std::size_t>(n)];
    }
};

/// A loss that supports noised.element_weight, declared by `static constexpr bool weighs_elements = true;`. Another
/// loss would ignore the weights and train on elements of weight 0.
template <class L>
concept WeighsElements = requires { requires std::remove_cvref_t<L>::weighs_elements; };

/// For a training with element weights, to be called before its first step.
/// @throws value_error unless the loss supports element weights
template <class L>
void require_weighs_elements(std::string_view where) {
    if constexpr (!WeighsElements<L>) {
        throw value_error(where, "loss", "one that counts weights of elements (weighs_elements)", "one that does not");
    }
}

/// A training loss: loss(schedule, kind, noised, predicted, d_predicted) returns the loss of a batch and writes its
/// gradient with respect to the prediction. It multiplies each sample by its weight, and writes each sample's loss to
/// noised.losses unless that is empty.
///
/// Two optional members let a loss reject a training before its first step instead of by an exception in the middle:
/// - `loss.require_time(schedule, kind, t)` throws value_error if the loss is undefined at a time t that may be drawn;
/// - `loss.require_data(x0, element_weight)`, or `loss.require_data(x0)`, throws value_error for unsuitable data.
/// Both are const and return void. A loss may have them for some schedules or scalars only, as templates that the others
/// do not satisfy. Otherwise a public member of such a name with another signature does not compile where the loss is
/// used: it would have no effect. That holds too for a third, `loss.text()`, which is const and returns the loss's name
/// and options as a string: a checkpoint keeps it, and the trainer refuses to continue exactly with another loss; losses
/// of this library are told apart without it. A loss that supports element weights must declare it, see WeighsElements.
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

/// A loss with the optional member text().
template <class L>
concept LossWithText = requires(const L& loss) { std::string(loss.text()); };

namespace detail {

template <class L, class Schedule>
concept RefusesTimes = requires(const L& loss, const Schedule& schedule, prediction kind, time_type<Schedule> t) {
    { loss.require_time(schedule, kind, t) } -> std::same_as<void>;
};
template <class L, class Schedule>
concept NamesRequireTime = requires(L& loss, const Schedule& schedule, prediction kind, time_type<Schedule> t) {
    loss.require_time(schedule, kind, t);
} || requires { &L::require_time; };

template <class L, class S>
concept RefusesWeightedData = requires(const L& loss, batch_view<const S> x0) {
    { loss.require_data(x0, x0) } -> std::same_as<void>;
};
template <class L, class S>
concept RefusesData = requires(const L& loss, batch_view<const S> x0) {
    { loss.require_data(x0) } -> std::same_as<void>;
};
template <class L, class S>
concept NamesRequireData = requires(L& loss, batch_view<const S> x0) {
    loss.require_data(x0, x0);
} || requires(L& loss, batch_view<const S> x0) { loss.require_data(x0); } || requires { &L::require_data; };

template <class L>
concept NamesText = requires(L& loss) { loss.text(); } || requires { &L::text; };

}  // namespace detail

/// The optional members of a loss. One with a wrong signature would be ignored, and so loss_members<L, Schedule, S> does
/// not compile then; but a member template that cannot be called may be for other schedules or scalars.
template <class L, class Schedule, class S>
struct loss_members {
    static constexpr bool refuses_times = detail::RefusesTimes<L, Schedule>;  ///< whether it has require_time

    static_assert(!detail::NamesRequireTime<L, Schedule> || detail::RefusesTimes<L, Schedule>,
                  "ddpm: wanted as the member require_time of a loss is: void require_time(const Schedule& schedule, "
                  "prediction kind, time_type<Schedule> t) const");
    static_assert(!detail::NamesRequireData<L, S> || detail::RefusesWeightedData<L, S> || detail::RefusesData<L, S>,
                  "ddpm: wanted as the member require_data of a loss is: void require_data(batch_view<const S> x0, "
                  "batch_view<const S> element_weight) const, or void require_data(batch_view<const S> x0) const");
    static_assert(!detail::NamesText<L> || LossWithText<L>,
                  "ddpm: wanted as the member text of a loss is: std::string text() const");
};

/// Calls the loss's member require_data if it has one.
/// @shape x0 D × N; element_weight D × N or empty
/// @throws value_error if the loss refuses the data
template <class L, class S>
void require_loss_data(const L& loss, batch_view<const S> x0, batch_view<const S> element_weight) {
    if constexpr (detail::RefusesWeightedData<L, S>) {
        loss.require_data(x0, element_weight);
    } else if constexpr (detail::RefusesData<L, S>) {
        loss.require_data(x0);
    }
}

/// @shape weight D × N or empty
/// @throws value_error unless all weights are finite and ≥ 0
template <Scalar S>
void require_element_weight(std::string_view where, batch_view<const S> weight) {
    constexpr S most = std::numeric_limits<S>::max();
    const auto is_wrong = [](S own) { return !(own >= 0 && own <= most); };
    for (isize n = 0; n < weight.columns(); ++n) {
        const S* const own = weight.column(n);
        isize wrong = 0;  // counted first, since a loop that leaves early is not vectorized
        for (isize i = 0; i < weight.rows(); ++i) {
            wrong += is_wrong(own[i]) ? 1 : 0;
        }
        for (isize i = 0; wrong > 0 && i < weight.rows(); ++i) {
            if (is_wrong(own[i])) {
                throw value_error(where, detail::text("weight of element ", i, " of sample ", n), "finite and >= 0",
                                  own[i]);
            }
        }
    }
}

namespace detail {

/// @throws shape_error unless all batches have the same shape, and t, weight and losses (unless empty) have a value for
/// each sample; value_error unless the element weights are finite and ≥ 0
template <Scalar S, class Time>
void require_noised_batch(std::string_view where, const noised_batch<S, Time>& noised, batch_view<const S> predicted,
                          batch_view<S> d_predicted) {
    require_same_shape(where, "x0 has the shape of the prediction", predicted, noised.x0);
    require_same_shape(where, "eps has the shape of the prediction", predicted, noised.eps);
    require_same_shape(where, "xt has the shape of the prediction", predicted, noised.xt);
    require_same_shape(where, "d_predicted has the shape of the prediction", predicted, d_predicted);
    if (noised.element_weight.size() != 0) {
        require_same_shape(where, "element_weight has the shape of the prediction", predicted, noised.element_weight);
    }
    noised.t.require_columns(where, predicted.columns());
    for (const isize count : {static_cast<isize>(noised.weight.size()), static_cast<isize>(noised.losses.size())}) {
        if (count != 0 && count != predicted.columns()) {
            throw shape_error(where, "weight and losses, one per sample", predicted.columns(), count);
        }
    }
    if (predicted.size() == 0) {
        throw shape_error(where, "empty batch", "at least one element", 0);
    }
    if (!noised.weights_are_valid) {
        require_element_weight(where, noised.element_weight);
    }
}

}  // namespace detail

}  // namespace ddpm
