// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <algorithm>
#include <cmath>

namespace ddpm {

/// The variance of the reverse step p(x_s|x_t). The first two are fixed; the others use the network's variance head h.
/// @source Ho et al. 2020, arXiv 2006.11239, section 3.2
enum class reverse_variance {
    fixed_small,    ///< β̃, the variance of the posterior: optimal if the data is a single point
    fixed_large,    ///< β, the variance of the forward step: optimal if the data is white noise
    learned,        ///< h is the log-variance
    learned_range,  ///< log-variance linear in h, from ln β̃ at h = −1 to ln β at h = 1
    optimal,  ///< h is Var[x_0|x_t], the variance β̃ + (coefficient of x_0 in the mean)² h: optimal for that mean
};

/// Whether a variance uses the network's variance head.
[[nodiscard]] constexpr bool needs_head(reverse_variance kind) noexcept {
    return kind != reverse_variance::fixed_small && kind != reverse_variance::fixed_large;
}

/// The fixed variance of the reverse step from t to s.
/// @units t and s are 0-based, s = `clean` is x_0; or times u of a continuous schedule
/// @throws value_error unless −1 ≤ s < t < T (discrete) or as require_earlier (continuous); if the variance needs a
/// head
/// @accuracy as posterior_at and transition_at
/// @source Ho et al. 2020, arXiv 2006.11239, equation 7 and section 3.2
template <NoiseProcess Schedule>
[[nodiscard]] auto reverse_variance_at(const Schedule& schedule, reverse_variance kind, time_type<Schedule> t,
                                       time_type<Schedule> s) {
    if (needs_head(kind)) {
        throw value_error("reverse_variance_at", "variance", "a fixed one", "one that needs the network's head");
    }
    return kind == reverse_variance::fixed_small ? posterior_at(schedule, s, t).variance
                                                 : transition_at(schedule, s, t).variance;
}

/// ln max(reverse_variance_at, 1e-20). For the last step of a discrete schedule to x_0, where β̃ is 0, it is ln β̃ of
/// the step from t + 1 to t, for both kinds (T = 1: ln 1e-20).
/// @units t and s as above; nats
/// @throws value_error as above
/// @accuracy at most 2 roundings, of the type of ᾱ, of the logarithm of that variance
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, the authors' code
template <NoiseProcess Schedule>
[[nodiscard]] auto reverse_log_variance_at(const Schedule& schedule, reverse_variance kind, time_type<Schedule> t,
                                           time_type<Schedule> s) {
    auto variance = reverse_variance_at(schedule, kind, t, s);
    if constexpr (NoiseSchedule<Schedule>) {
        if (s == clean) {
            variance = t + 1 < schedule.steps() ? posterior_at(schedule, t, t + 1).variance : real_of<Schedule>{0};
        }
    }
    return clipped_log(variance);
}

/// The log-variance of a step as a function of the output of the network's variance head, per element.
struct head_variance {
    reverse_variance kind;
    double log_small = 0;   ///< ln β̃, clipped
    double log_large = 0;   ///< ln β
    double beta_tilde = 0;  ///< β̃
    double x0 = 0;          ///< the coefficient of x_0 in the mean

    /// @units nats
    /// @accuracy from the members: `learned_range` at most 4 roundings (2⁻⁵³) of 1 + |h| times the larger of |log_small|
    /// and |log_large|; `optimal` 2 of the logarithm, and 4 of (β̃ + x0² |h|) over the variance; else exact
    [[nodiscard]] double log_variance(double head) const {
        const double part = (head + 1) / 2;
        return kind == reverse_variance::fixed_small     ? log_small
               : kind == reverse_variance::fixed_large   ? log_large
               : kind == reverse_variance::learned       ? head
               : kind == reverse_variance::learned_range ? part * log_large + (1 - part) * log_small
                                                         : std::log(optimal(head));
    }

    /// The derivative of log_variance with respect to the head's output; 0 for a fixed variance.
    /// @accuracy at most 2 roundings (2⁻⁵³) of it, `optimal` 6, and 4 of (β̃ + x0² |h|) over the variance
    [[nodiscard]] double slope(double head) const {
        return !needs_head(kind)                         ? 0
               : kind == reverse_variance::learned       ? 1
               : kind == reverse_variance::learned_range ? (log_large - log_small) / 2
                                                         : x0 * x0 / optimal(head);
    }

private:
    [[nodiscard]] double optimal(double head) const { return std::max(beta_tilde + x0 * x0 * head, smallest_variance); }
};

/// The head_variance of the step between two noise levels, from t to the less noisy s. A variance of 0 counts as 1e-20.
/// @accuracy as posterior_between, transition_between and clipped_log
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 15; optimal: Bao et al. 2022, arXiv 2201.06503, theorem 1
[[nodiscard]] inline head_variance head_variance_between(reverse_variance kind, const noise_level<double>& s,
                                                         const noise_level<double>& t) noexcept {
    const auto posterior = posterior_between(s, t);
    return {kind, clipped_log(posterior.variance), clipped_log(transition_between(s, t).variance), posterior.variance,
            posterior.x0};
}

/// The head_variance of the step from t to s, with ln β̃ at the last step as in reverse_log_variance_at. There
/// `learned_range` still ends at ln β, as in OpenAI's code, while `fixed_large` is replaced like ln β̃.
/// @units t and s are 0-based, s = `clean` is x_0; or times u of a continuous schedule
/// @throws value_error unless −1 ≤ s < t < T (discrete) or as require_earlier (continuous)
/// @accuracy as posterior_at, transition_at and reverse_log_variance_at
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 15; optimal: Bao et al. 2022, arXiv 2201.06503, theorem 1
template <NoiseProcess Schedule>
[[nodiscard]] head_variance head_variance_at(const Schedule& schedule, reverse_variance kind, time_type<Schedule> t,
                                             time_type<Schedule> s) {
    if constexpr (NoiseSchedule<Schedule>) {
        const auto posterior = posterior_at(schedule, s, t);
        const double log_small =
            static_cast<double>(reverse_log_variance_at(schedule, reverse_variance::fixed_small, t, s));
        const double log_large = kind == reverse_variance::fixed_large
                                     ? static_cast<double>(reverse_log_variance_at(schedule, kind, t, s))
                                     : std::log(static_cast<double>(transition_at(schedule, s, t).variance));
        return {kind, log_small, log_large, static_cast<double>(posterior.variance), static_cast<double>(posterior.x0)};
    } else {
        require_earlier("head_variance_at", schedule, s, t);
        return head_variance_between(kind, noise_level_at(schedule, s), noise_level_at(schedule, t));
    }
}

}  // namespace ddpm
