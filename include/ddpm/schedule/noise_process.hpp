// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <string_view>
#include <type_traits>

namespace ddpm {

/// A schedule in discrete or continuous time, enough to draw x_t and to train. A type that is both counts as discrete.
template <class S>
concept NoiseProcess = NoiseSchedule<S> || ContinuousSchedule<S>;

/// The type of a schedule's time: isize (the 0-based timestep) if it is discrete, double (the time u) otherwise.
template <NoiseProcess S>
using time_type = std::conditional_t<NoiseSchedule<S>, isize, double>;

/// The noise level at time u of a continuous schedule.
/// @throws value_error if the schedule is not defined at u, or α or σ is negative or not finite, or both are 0
/// @accuracy as level(u)
template <ContinuousSchedule S>
    requires(!NoiseSchedule<S>)
[[nodiscard]] noise_level<double> noise_level_at(const S& schedule, double u) {
    const noise_level<double> level = schedule.level(u);
    detail::require_level("noise_level_at", level);
    return level;
}

/// The time passed to the network at timestep t: t itself.
/// @units t is 0-based
/// @accuracy exact
template <NoiseSchedule S>
[[nodiscard]] double model_time_at(const S&, isize t) noexcept {
    return static_cast<double>(t);
}

/// @throws value_error unless the schedule is defined at t
template <NoiseProcess S>
void require_time(std::string_view where, const S& schedule, time_type<S> t) {
    if constexpr (NoiseSchedule<S>) {
        require_timestep(where, schedule, t);
    } else {
        static_cast<void>(noise_level_at(schedule, t));
    }
}

namespace detail {

/// The noise levels at s and t, where t is the noisier.
struct rising_levels {
    noise_level<double> s;
    noise_level<double> t;
};

/// @throws value_error as require_earlier
template <ContinuousSchedule S>
[[nodiscard]] rising_levels levels_between(std::string_view where, const S& schedule, double s, double t) {
    const rising_levels levels{noise_level_at(schedule, s), noise_level_at(schedule, t)};
    if (!(s < t)) {
        throw value_error(where, "earlier time", text("s < ", t), s);
    }
    if (!(levels.s.signal > 0)) {
        throw value_error(where, text("signal at time ", s), "> 0", levels.s.signal);
    }
    constexpr double least = 1e-150;  // the square of a smaller number is 0
    if (!(levels.t.sigma >= least)) {
        throw value_error(where, text("sigma at time ", t), text(">= ", least), levels.t.sigma);
    }
    if (!(transition_between(levels.s, levels.t).variance >= 0)) {
        throw value_error(where, "noise", text("sigma/alpha that does not fall from time ", s, " to ", t),
                          text(levels.s.sigma / levels.s.signal, " to ", levels.t.sigma / levels.t.signal));
    }
    return levels;
}

}  // namespace detail

/// @throws value_error unless the schedule is defined at s < t, α_s > 0, σ_t ≥ 10⁻¹⁵⁰, and σ/α does not fall from s to
/// t
template <ContinuousSchedule S>
    requires(!NoiseSchedule<S>)
void require_earlier(std::string_view where, const S& schedule, double s, double t) {
    static_cast<void>(detail::levels_between(where, schedule, s, t));
}

/// The coefficients of q(x_t|x_s) of a continuous schedule.
/// @throws value_error as require_earlier
/// @accuracy from the levels, as transition_between
template <ContinuousSchedule S>
    requires(!NoiseSchedule<S>)
[[nodiscard]] transition<double> transition_at(const S& schedule, double s, double t) {
    const auto levels = detail::levels_between("transition_at", schedule, s, t);
    return transition_between(levels.s, levels.t);
}

/// The coefficients of q(x_s|x_t, x_0) of a continuous schedule; if σ_s = 0, x_s is x_0.
/// @throws value_error as require_earlier
/// @accuracy from the levels, as posterior_between
template <ContinuousSchedule S>
    requires(!NoiseSchedule<S>)
[[nodiscard]] posterior_coefficients<double> posterior_at(const S& schedule, double s, double t) {
    const auto levels = detail::levels_between("posterior_at", schedule, s, t);
    return posterior_between(levels.s, levels.t);
}

}  // namespace ddpm
