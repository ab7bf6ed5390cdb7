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

/// The variance of the reverse step p(x_s|x_t).
/// @source Ho et al. 2020, arXiv 2006.11239, section 3.2
enum class reverse_variance {
    fixed_small,  ///< β̃, the posterior's: optimal for data that is one point
    fixed_large,  ///< β, the forward step's: optimal for data that is white noise
    learned,        ///< the network's variance head is its logarithm
    learned_range,  ///< the head h moves the logarithm from β̃'s at h = −1 to β's at h = 1
    optimal,        ///< the head is Var[x_0|x_t]: β̃ + (the mean's factor of x_0)² · head, the best Gaussian for that mean
};

/// Whether a variance needs the network's variance head.
[[nodiscard]] constexpr bool needs_head(reverse_variance kind) noexcept {
    return kind != reverse_variance::fixed_small && kind != reverse_variance::fixed_large;
}

/// A fixed variance of the reverse step from t to s.
/// @units t and s are 0-based, s = `clean` is x_0; or times u of a continuous schedule
/// @throws value_error unless −1 ≤ s < t < T, or as require_earlier of a continuous schedule; if the variance needs a
/// head
template <NoiseProcess Schedule>
[[nodiscard]] auto reverse_variance_at(const Schedule& schedule, reverse_variance kind, time_type<Schedule> t,
                                       time_type<Schedule> s) {
    if (needs_head(kind)) {
        throw value_error("reverse_variance_at", "variance", "a fixed one", "one that needs the network's head");
    }
    return kind == reverse_variance::fixed_small ? posterior_at(schedule, s, t).variance
                                                 : transition_at(schedule, s, t).variance;
}

/// The logarithm of it, at least that of `smallest_variance`. At the last step of a discrete schedule to x_0, where β̃
/// is 0, it is that of the posterior from t + 1 to t, for both kinds (T = 1: ln 1e-20).
/// @units t and s as above; nats
/// @throws value_error as above
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

/// How the logarithm of a step's variance follows from the network's variance head, element by element.
struct head_variance {
    reverse_variance kind;
    double log_small = 0;  ///< ln β̃, clipped
    double log_large = 0;  ///< ln β
    double beta_tilde = 0; ///< β̃
    double x0 = 0;         ///< the mean's factor of x_0

    /// @units nats
    [[nodiscard]] double log_variance(double head) const {
        switch (kind) {
            case reverse_variance::fixed_small: return log_small;
            case reverse_variance::fixed_large: return log_large;
            case reverse_variance::learned: return head;
            case reverse_variance::learned_range: {
                const double part = (head + 1) / 2;
                return part * log_large + (1 - part) * log_small;
            }
            case reverse_variance::optimal: break;
        }
        return std::log(std::max(beta_tilde + x0 * x0 * head, smallest_variance));
    }

    /// Its derivative with respect to the head; 0 for a fixed variance.
    [[nodiscard]] double slope(double head) const {
        switch (kind) {
            case reverse_variance::learned: return 1;
            case reverse_variance::learned_range: return (log_large - log_small) / 2;
            case reverse_variance::optimal: return x0 * x0 / std::max(beta_tilde + x0 * x0 * head, smallest_variance);
            default: return 0;
        }
    }
};

/// The same for the step between two levels of any chain, from t back to s. A variance of 0 has the logarithm of
/// `smallest_variance`.
[[nodiscard]] inline head_variance head_variance_between(reverse_variance kind, const noise_level<double>& s,
                                                         const noise_level<double>& t) noexcept {
    const auto posterior = posterior_between(s, t);
    return {kind, clipped_log(posterior.variance), clipped_log(transition_between(s, t).variance), posterior.variance,
            posterior.x0};
}

/// The same for the step from t to s, with the logarithm of β̃ clipped at the last step as reverse_log_variance_at does.
/// The upper end of `learned_range` is ln β there too, as in OpenAI's code; `fixed_large` by itself is clipped alike.
/// @units t and s are 0-based, s = `clean` is x_0; or times u of a continuous schedule
/// @throws value_error unless −1 ≤ s < t < T, or as require_earlier of a continuous schedule
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
        const auto levels = detail::levels_between("head_variance_at", schedule, s, t);
        return head_variance_between(kind, levels.s, levels.t);
    }
}

}  // namespace ddpm
