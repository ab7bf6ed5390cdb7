// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/decoder.hpp>
#include <ddpm/loss/detail/bound_loss.hpp>
#include <ddpm/loss/mse.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>

#include <optional>
#include <type_traits>

namespace ddpm {

/// L_hybrid = L_simple + λ · L_vlb, where L_vlb is the term of the variational bound at t. Only L_simple trains the
/// prediction; L_vlb trains only the variance head, with the mean as a constant. `Simple` is any loss of a prediction.
/// If x̂_0 is clamped only after training (as in variational_bound), the learned variances are too large.
/// @units L_vlb in bits per dimension; the default λ = T/1000 gives it the weight of 1/1000 of the sum of all T terms
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 16; the RESCALED_MSE of the authors' code, with λ = 1
/// their MSE
template <class Simple>
struct basic_hybrid_loss {
    static constexpr bool weighs_elements = WeighsElements<Simple>;

    reverse_variance variance = reverse_variance::learned_range;
    Simple simple{};
    any_decoder decoder = discretized_decoder{};
    std::optional<double> lambda{};  ///< ≥ 0; if empty, T/1000
    bool clip_denoised = false;      ///< clamps x̂_0 in L_vlb to [−1, 1]; for the discretized decoder only
    bool reports_bound = false;      ///< noised.losses, used for importance sampling, is L_vlb alone

    /// @shape all D × N; the gradients are overwritten
    /// @throws shape_error if the shapes differ or the batch is empty; value_error unless 0 ≤ t < T, where the
    /// prediction does not determine x̂_0 (ε at ᾱ_t = 0), for a variance without a head, for options outside their
    /// domain, and for element weights that are negative, not finite or not supported by `Simple`
    /// @accuracy that of `Simple` and, for L_vlb, of vlb_loss
    template <NoiseSchedule Schedule, Scalar S>
        requires TrainingLoss<Simple, Schedule, S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<const S>> head, std::type_identity_t<batch_view<S>> d_predicted,
                      std::type_identity_t<batch_view<S>> d_head) const {
        static_cast<void>(loss_members<Simple, Schedule, S>{});
        detail::require_noised_batch("hybrid_loss", noised, predicted, d_predicted);
        detail::require_head("hybrid_loss", predicted, head, d_head);
        if (noised.element_weight.size() != 0) {
            require_weighs_elements<Simple>("hybrid_loss");
        }
        require_variance();
        const double value = simple(schedule, kind, noised, predicted, d_predicted);
        return value + detail::bound_loss<Schedule, S>("hybrid_loss", schedule, kind, options(schedule), noised,
                                                       predicted, head, {}, d_head);
    }

    /// @throws value_error if a call with a sample at t would
    template <NoiseSchedule Schedule>
    void require_time(const Schedule& schedule, prediction kind, isize t) const {
        require_variance();
        if constexpr (detail::RefusesTimes<Simple, Schedule>) {
            simple.require_time(schedule, kind, t);
        }
        detail::require_bound_term("hybrid_loss", schedule, kind, options(schedule), t);
    }

    /// Refuses data that the decoder or `Simple` cannot take; calls do not check this.
    /// @shape x0 D × N; element_weight likewise, or empty
    /// @throws value_error if the decoder needs data in [−1, 1] and a value is outside, or if `Simple` refuses the data
    template <BatchLike X>
    void require_data(const X& x0, batch_view<const scalar_of<X>> element_weight = {}) const {
        const detail::readable values(x0);
        require_loss_data(simple, batch_view<const scalar_of<X>>(values.view()), element_weight);
        require_in_range("hybrid_loss", decoder, x0, element_weight);
    }

private:
    template <NoiseSchedule Schedule>
    [[nodiscard]] detail::bound_loss_options options(const Schedule& schedule) const {
        return {.variance = variance,
                .decoder = decoder,
                .scale = lambda.value_or(static_cast<double>(schedule.steps()) / 1000),
                .adds = !reports_bound,
                .limit = x0_limit(clip_denoised, decoder)};
    }

    void require_variance() const {
        if (!needs_head(variance)) {
            throw value_error("hybrid_loss", "variance", "one that the network's head gives", "a fixed one");
        }
    }
};

/// L_hybrid with the mean squared error as L_simple.
using hybrid_loss = basic_hybrid_loss<mse_loss>;

}  // namespace ddpm
