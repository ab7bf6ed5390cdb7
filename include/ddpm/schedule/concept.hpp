// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>

#include <concepts>
#include <string_view>
#include <utility>

namespace ddpm {

/// The timestep that denotes x_0 itself, one before t = 0; there ᾱ = 1.
inline constexpr isize clean = -1;

/// A discrete noise schedule, as processes, losses and samplers use it: T = steps(), and ᾱ_t for t = 0 … T − 1,
/// falling, within [0, 1]. Coefficients computed from ᾱ have its floating-point type.
template <class S>
concept NoiseSchedule = requires(const S& schedule, const isize t) {
    { schedule.steps() } -> std::convertible_to<isize>;
    { schedule.alpha_bar(t) } -> std::floating_point;
    { schedule.alpha_bar(isize(t)) } -> std::floating_point;
};

/// The floating-point type of a schedule's coefficients.
template <NoiseSchedule S>
using real_of = decltype(std::declval<const S&>().alpha_bar(isize{}));

/// @throws value_error unless 0 ≤ t < T
template <NoiseSchedule S>
void require_timestep(std::string_view where, const S& schedule, isize t) {
    if (t < 0 || t >= schedule.steps()) {
        throw value_error(where, "timestep", detail::text("0 <= t < ", schedule.steps()), t);
    }
}

/// @throws value_error unless clean ≤ s < t < T
template <NoiseSchedule S>
void require_earlier(std::string_view where, const S& schedule, isize s, isize t) {
    require_timestep(where, schedule, t);
    if (s < clean || s >= t) {
        throw value_error(where, "earlier timestep", detail::text("-1 <= s < ", t), s);
    }
}

/// ᾱ_t, and 1 for t = `clean`.
/// @units t is 0-based
/// @accuracy exact
template <NoiseSchedule S>
[[nodiscard]] real_of<S> alpha_bar_or_one(const S& schedule, isize t) {
    return t == clean ? real_of<S>{1} : schedule.alpha_bar(t);
}

/// The noise level (√ᾱ_t, √(1 − ᾱ_t)) of q(x_t|x_0).
/// @units t is 0-based
/// @throws value_error unless 0 ≤ t < T
/// @accuracy α: at most one rounding (2⁻²⁴ in float, 2⁻⁵³ in double) of it, σ: 2
/// @source Ho et al. 2020, arXiv 2006.11239, equation 4
template <NoiseSchedule S>
[[nodiscard]] noise_level<real_of<S>> noise_level_at(const S& schedule, isize t) {
    require_timestep("noise_level_at", schedule, t);
    return noise_level_of(schedule.alpha_bar(t));
}

/// The coefficients of q(x_t|x_s).
/// @units s and t are 0-based, s = `clean` is x_0
/// @throws value_error unless clean ≤ s < t < T
/// @accuracy as transition_between
/// @source Kingma et al. 2021, arXiv 2107.00630, equations 23 and 24
template <NoiseSchedule S>
[[nodiscard]] transition<real_of<S>> transition_at(const S& schedule, isize s, isize t) {
    require_earlier("transition_at", schedule, s, t);
    return transition_between(alpha_bar_or_one(schedule, s), schedule.alpha_bar(t));
}

/// The coefficients of q(x_s|x_t, x_0).
/// @units s and t are 0-based, s = `clean` is x_0
/// @throws value_error unless clean ≤ s < t < T
/// @accuracy as posterior_between
/// @source Ho et al. 2020, arXiv 2006.11239, equation 7
template <NoiseSchedule S>
[[nodiscard]] posterior_coefficients<real_of<S>> posterior_at(const S& schedule, isize s, isize t) {
    require_earlier("posterior_at", schedule, s, t);
    return posterior_between(alpha_bar_or_one(schedule, s), schedule.alpha_bar(t));
}

}  // namespace ddpm
