// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/weighted_error.hpp>
#include <ddpm/loss/weighting.hpp>

#include <optional>
#include <type_traits>
#include <variant>

namespace ddpm {

/// The mean squared error over all elements, and its gradient with respect to the prediction. `space` is the kind of
/// quantity (ε, x_0, v, score or flow) in which the error is measured; if empty, that of the prediction. It is for
/// uniform_weighting only, since the other weightings define the weight of an error in every space.
/// @source Ho et al. 2020, arXiv 2006.11239, equation 14 (L_simple)
struct mse_loss {
    static constexpr bool weighs_elements = true;

    std::optional<prediction> space{};
    loss_weighting weighting{};

    /// @shape predicted and d_predicted D × N; d_predicted is overwritten
    /// @throws shape_error if the shapes differ or the batch is empty; value_error unless the schedule is defined at
    /// all t, as weight_at, for a space with another weighting than uniform_weighting, and for element weights that are
    /// negative or not finite
    /// @accuracy the difference of prediction and target a x_0 + b ε: at most 6 roundings (2⁻²⁴ in float, 2⁻⁵³ in double)
    /// of |prediction| + |a x_0| + |b ε|. The loss of the differences, in double: at most D N + 32 roundings of it; their
    /// gradient: at most 4 of it. From the weights as they are computed
    template <NoiseProcess Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S, time_type<Schedule>>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<S>> d_predicted) const {
        return detail::weighted_error("mse_loss", schedule, kind, noised, predicted, d_predicted,
                                      [&](auto t) { return weight_of(schedule, kind, t); });
    }

    /// @throws value_error if a call with a sample at t would
    template <NoiseProcess Schedule>
    void require_time(const Schedule& schedule, prediction kind, time_type<Schedule> t) const {
        static_cast<void>(weight_of(schedule, kind, t));
    }

private:
    template <NoiseProcess Schedule>
    [[nodiscard]] double weight_of(const Schedule& schedule, prediction kind, time_type<Schedule> t) const {
        if (!std::holds_alternative<uniform_weighting>(weighting)) {
            if (space) {
                throw value_error("mse_loss", "space", "none with a weighting, which holds in every space",
                                  name_of(*space));
            }
            return weight_at(schedule, weighting, kind, t);
        }
        const double scale = conversion(kind, space.value_or(kind), noise_level_at(schedule, t)).value;
        return scale * scale;
    }
};

}  // namespace ddpm
