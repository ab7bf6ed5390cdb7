// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cmath>

namespace ddpm {

/// The variance of the reverse step p(x_s|x_t).
/// @source Ho et al. 2020, arXiv 2006.11239, section 3.2
enum class reverse_variance {
    fixed_small,  ///< β̃, the posterior's: optimal for data that is one point
    fixed_large,  ///< β, the forward step's: optimal for data that is white noise
};

/// The variance of the reverse step from t to s.
/// @units t and s are 0-based, s = `clean` is x_0
/// @throws value_error unless −1 ≤ s < t < T
template <NoiseSchedule Schedule>
[[nodiscard]] real_of<Schedule> reverse_variance_at(const Schedule& schedule, reverse_variance kind, index t, index s) {
    return kind == reverse_variance::fixed_small ? posterior_at(schedule, s, t).variance
                                                 : transition_at(schedule, s, t).variance;
}

/// The logarithm of it, clipped: at the last step to x_0, where β̃ is 0, that of the posterior from t + 1 to t, for both
/// kinds (T = 1: ln 1e-20).
/// @units t and s are 0-based, s = `clean` is x_0; nats
/// @throws value_error unless −1 ≤ s < t < T
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, the authors' code
template <NoiseSchedule Schedule>
[[nodiscard]] real_of<Schedule> reverse_log_variance_at(const Schedule& schedule, reverse_variance kind, index t, index s) {
    const real_of<Schedule> variance = reverse_variance_at(schedule, kind, t, s);
    if (s != clean) {
        return std::log(variance);
    }
    return t + 1 < schedule.steps() ? std::log(posterior_at(schedule, t, t + 1).variance)
                                    : static_cast<real_of<Schedule>>(std::log(smallest_variance));
}

}  // namespace ddpm
