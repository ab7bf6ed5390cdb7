// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/decoder.hpp>
#include <ddpm/loss/detail/bound_loss.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>

#include <optional>
#include <type_traits>

namespace ddpm {

/// The variational bound as a training loss, L_vlb: for each sample the term of its t, KL(q(x_{t−1}|x_t, x_0) ‖
/// p(x_{t−1}|x_t)), or at t = 0 the decoder's −ln p(x_0|x_1). T times this is an estimate of the sum of all terms.
/// It trains the mean and, if the network has a variance head, the variance. x̂_0 is not clamped.
/// @units bits per dimension, times `scale`
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equations 4 to 7; with scale = T the RESCALED_KL of the authors'
/// code, with scale = 1 their KL
struct vlb_loss {
    static constexpr bool weighs_elements = true;

    reverse_variance variance = reverse_variance::learned_range;
    any_decoder decoder = discretized_decoder{};
    std::optional<double> scale{};  ///< ≥ 0; if empty, T

    /// @shape all D × N; the gradients are overwritten
    /// @throws shape_error if the shapes differ or the batch is empty; value_error unless 0 ≤ t < T, where the
    /// prediction does not determine x̂_0 (ε or score at ᾱ_t = 0), for options outside their domain, and for
    /// element weights that are negative or not finite
    /// @accuracy in double, gradients rounded to S. Within 1e-7 of 1 + the loss of OpenAI's code, and 1e-6 of the largest
    /// gradient of a sample; from batches of float 1e-5 and 1e-4
    template <NoiseSchedule Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<const S>> head, std::type_identity_t<batch_view<S>> d_predicted,
                      std::type_identity_t<batch_view<S>> d_head) const {
        detail::require_noised_batch("vlb_loss", noised, predicted, d_predicted);
        detail::require_head("vlb_loss", predicted, head, d_head);
        return detail::bound_loss("vlb_loss", schedule, kind, options(schedule), noised, predicted, head, d_predicted,
                                  d_head);
    }

    /// As above without a head, for a fixed variance.
    /// @throws also value_error if the variance needs a head
    /// @accuracy as above
    template <NoiseSchedule Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<S>> d_predicted) const {
        detail::require_noised_batch("vlb_loss", noised, predicted, d_predicted);
        if (needs_head(variance)) {
            throw value_error("vlb_loss", "variance without a head", "a fixed one",
                              "one that needs the network's head");
        }
        return detail::bound_loss<Schedule, S>("vlb_loss", schedule, kind, options(schedule), noised, predicted, {},
                                               d_predicted, {});
    }

    /// @throws value_error if a call with a sample at t would
    template <NoiseSchedule Schedule>
    void require_time(const Schedule& schedule, prediction kind, isize t) const {
        detail::require_bound_term("vlb_loss", schedule, kind, options(schedule), t);
    }

    /// @shape x0 D × N; element_weight likewise, or empty
    /// @throws value_error if the decoder needs data in [−1, 1] and a value is outside; calls do not check this
    template <BatchLike X>
    void require_data(const X& x0, batch_view<const scalar_of<X>> element_weight = {}) const {
        require_in_range("vlb_loss", decoder, x0, element_weight);
    }

private:
    template <NoiseSchedule Schedule>
    [[nodiscard]] detail::bound_loss_options options(const Schedule& schedule) const {
        return {variance, decoder, scale.value_or(static_cast<double>(schedule.steps()))};
    }
};

}  // namespace ddpm
