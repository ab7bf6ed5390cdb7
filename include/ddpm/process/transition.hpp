// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/process/moments.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <cmath>
#include <string_view>

namespace ddpm {

namespace detail {

/// @throws shape_error unless s and t have a value for each sample; value_error unless s < t are valid times of each
template <NoiseProcess Schedule, class From>
void require_transitions(std::string_view where, const Schedule& schedule, isize columns, const From& s,
                         const per_sample<time_type<Schedule>>& t) {
    s.require_columns(where, columns);
    t.require_columns(where, columns);
    for (isize n = 0; n < columns; ++n) {
        require_earlier(where, schedule, s[n], t[n]);
    }
}

/// noise_samples with the transition s → t of each sample: scale · x + √variance · ε.
template <NoiseProcess Schedule, Scalar S, class From, class... Noise>
void transition_sample(std::string_view where, const Schedule& schedule, batch_view<const S> x, const From& s,
                       const per_sample<time_type<Schedule>>& t, const Noise&... noise_and_out) {
    require_transitions(where, schedule, x.columns(), s, t);
    const auto level_of = [&](isize n) {
        const auto [scale, variance] = transition_at(schedule, s[n], t[n]);
        return noise_level<S>{static_cast<S>(scale), static_cast<S>(std::sqrt(variance))};
    };
    noise_samples<S>(where, x, level_of, noise_and_out...);
}

/// The moments of q(x_t|x_s) for the s and t of each sample.
template <NoiseProcess Schedule, Scalar S, class From>
[[nodiscard]] gaussian_moments<S> transition_moments(std::string_view where, const Schedule& schedule,
                                                     batch_view<const S> x, const From& s,
                                                     const per_sample<time_type<Schedule>>& t) {
    require_transitions(where, schedule, x.columns(), s, t);
    return noised_moments(x, [&](isize n) { return transition_at(schedule, s[n], t[n]); });
}

}  // namespace detail

/// Samples one step q(x_t|x_{t−1}) with given noise: x_t = √(1 − β_t) x_{t−1} + √β_t ε. At t = 0 the input is x_0.
/// @shape x_previous, eps and out D × N; t one per sample or one for all; out may be x_previous or eps
/// @units t is 0-based
/// @throws shape_error if the shapes differ; value_error unless 0 ≤ t < T
/// @accuracy from the schedule's ᾱ: at most 4 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |√(1 − β_t) x_{t−1}| +
/// |√β_t ε|, plus one, in the type of ᾱ, of |ε|/√β_t
/// @source Ho et al. 2020, arXiv 2006.11239, equation 2
template <NoiseSchedule Schedule, BatchLike X, BatchLike E>
void q_step(const Schedule& schedule, const X& x_previous, const per_sample<isize>& t, const E& eps,
            batch_view<scalar_of<X>> out) {
    detail::transition_sample("q_step", schedule, detail::readable(x_previous).view(), detail::timestep_before{t}, t,
                              detail::readable(eps).view(), out);
}

/// As above, returned.
template <NoiseSchedule Schedule, BatchLike X, BatchLike E>
[[nodiscard]] batch<scalar_of<X>> q_step(const Schedule& schedule, const X& x_previous, const per_sample<isize>& t,
                                         const E& eps) {
    return detail::filled_like(x_previous, [&](const auto& x, const auto& out) { q_step(schedule, x, t, eps, out); });
}

/// As above with new noise, generated on the fly.
/// @shape x_previous and out D × N; t one per sample or one for all; out may be x_previous
/// @throws as above; as philox_noise::normal
/// @determinism bit-equal to q_step with the noise of philox_noise::normal
template <NoiseSchedule Schedule, BatchLike X>
void q_step(const Schedule& schedule, const X& x_previous, const per_sample<isize>& t, const fresh_noise& noise,
            batch_view<scalar_of<X>> out) {
    detail::transition_sample("q_step", schedule, detail::readable(x_previous).view(), detail::timestep_before{t}, t,
                              noise, batch_view<scalar_of<X>>(), out);
}

/// As above, and writes the noise to eps.
/// @shape eps D × N
template <NoiseSchedule Schedule, BatchLike X>
void q_step(const Schedule& schedule, const X& x_previous, const per_sample<isize>& t, const fresh_noise& noise,
            batch_view<scalar_of<X>> eps, batch_view<scalar_of<X>> out) {
    detail::require_same_shape("q_step", "eps has the shape of out", out, eps);
    detail::transition_sample("q_step", schedule, detail::readable(x_previous).view(), detail::timestep_before{t}, t,
                              noise, eps, out);
}

/// As above, returned.
template <NoiseSchedule Schedule, BatchLike X>
[[nodiscard]] batch<scalar_of<X>> q_step(const Schedule& schedule, const X& x_previous, const per_sample<isize>& t,
                                         const fresh_noise& noise) {
    return detail::filled_like(x_previous, [&](const auto& x, const auto& out) { q_step(schedule, x, t, noise, out); });
}

/// The mean √(1 − β_t) x_{t−1} and the variance β_t of q(x_t|x_{t−1}).
/// @shape x_previous D × N; t one per sample or one for all
/// @units t is 0-based; log_variance in nats
/// @throws shape_error unless t has a value for each sample; value_error unless 0 ≤ t < T
/// @accuracy mean: at most 4 roundings of it; the variance is that of transition_at, rounded
/// @source Ho et al. 2020, arXiv 2006.11239, equation 2
template <NoiseSchedule Schedule, BatchLike X>
[[nodiscard]] gaussian_moments<scalar_of<X>> q_step_mean_variance(const Schedule& schedule, const X& x_previous,
                                                                  const per_sample<isize>& t) {
    return detail::transition_moments("q_step_mean_variance", schedule, detail::readable(x_previous).view(),
                                      detail::timestep_before{t}, t);
}

/// Samples q(x_t|x_s) for s < t with given noise: x_t = √(ᾱ_t/ᾱ_s) x_s + √(1 − ᾱ_t/ᾱ_s) ε; for any noise levels,
/// x_t = (α_t/α_s) x_s + √(σ_t² − (α_t/α_s)² σ_s²) ε.
/// @shape xs, eps and out D × N; s and t one per sample or one for all; out may be xs or eps
/// @units s and t are 0-based, s = `clean` is x_0; or times u of a continuous schedule
/// @throws shape_error if the shapes differ; value_error unless −1 ≤ s < t < T (discrete) or as require_earlier
/// (continuous)
/// @accuracy with the variance v, from the schedule's ᾱ or levels: at most 4 roundings (2⁻²⁴ in float, 2⁻⁵³ in double)
/// of |scale · x_s| + |√v ε|, plus one, in the type of ᾱ, of |ε|/√v, or in continuous time 8 of double of σ_t² |ε|/√v
/// @source Kingma et al. 2021, arXiv 2107.00630, equations 22 to 24
template <NoiseProcess Schedule, BatchLike X, BatchLike E>
void q_transition(const Schedule& schedule, const X& xs, const per_sample<time_type<Schedule>>& s,
                  const per_sample<time_type<Schedule>>& t, const E& eps, batch_view<scalar_of<X>> out) {
    detail::transition_sample("q_transition", schedule, detail::readable(xs).view(), s, t, detail::readable(eps).view(),
                              out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X, BatchLike E>
[[nodiscard]] batch<scalar_of<X>> q_transition(const Schedule& schedule, const X& xs,
                                               const per_sample<time_type<Schedule>>& s,
                                               const per_sample<time_type<Schedule>>& t, const E& eps) {
    return detail::filled_like(xs, [&](const auto& x, const auto& out) { q_transition(schedule, x, s, t, eps, out); });
}

/// As above with new noise, generated on the fly.
/// @shape xs and out D × N; s and t one per sample or one for all; out may be xs
/// @throws as above; as philox_noise::normal
/// @determinism bit-equal to q_transition with the noise of philox_noise::normal
template <NoiseProcess Schedule, BatchLike X>
void q_transition(const Schedule& schedule, const X& xs, const per_sample<time_type<Schedule>>& s,
                  const per_sample<time_type<Schedule>>& t, const fresh_noise& noise, batch_view<scalar_of<X>> out) {
    detail::transition_sample("q_transition", schedule, detail::readable(xs).view(), s, t, noise,
                              batch_view<scalar_of<X>>(), out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X>
[[nodiscard]] batch<scalar_of<X>> q_transition(const Schedule& schedule, const X& xs,
                                               const per_sample<time_type<Schedule>>& s,
                                               const per_sample<time_type<Schedule>>& t, const fresh_noise& noise) {
    return detail::filled_like(xs,
                               [&](const auto& x, const auto& out) { q_transition(schedule, x, s, t, noise, out); });
}

/// The mean and the variance of q(x_t|x_s) for s < t.
/// @shape xs D × N; s and t one per sample or one for all
/// @units s and t are 0-based, s = `clean` is x_0; or times of a continuous schedule; log_variance in nats, ≥ ln 1e-20
/// @throws shape_error unless s and t have a value for each sample; value_error as q_transition
/// @accuracy as q_step_mean_variance
/// @source Kingma et al. 2021, arXiv 2107.00630, equations 22 to 24
template <NoiseProcess Schedule, BatchLike X>
[[nodiscard]] gaussian_moments<scalar_of<X>> q_transition_mean_variance(const Schedule& schedule, const X& xs,
                                                                        const per_sample<time_type<Schedule>>& s,
                                                                        const per_sample<time_type<Schedule>>& t) {
    return detail::transition_moments("q_transition_mean_variance", schedule, detail::readable(xs).view(), s, t);
}

}  // namespace ddpm
