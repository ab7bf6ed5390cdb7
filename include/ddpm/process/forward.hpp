// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/q_sample.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/process/moments.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <array>
#include <concepts>
#include <string_view>

namespace ddpm {

/// The address of new standard normals: column n of a batch is source.normal(…, step, first_sample + n). Functions that
/// take it generate the noise on the fly, with the same bits.
struct fresh_noise {
    philox_noise source;
    isize step = 0;
    isize first_sample = 0;
};

namespace detail {

/// out = signal · x + sigma · ε with the noise_level<S> {signal, sigma} = level_of(n) for sample n.
template <Scalar S, class LevelOf>
void noise_samples(std::string_view where, batch_view<const S> x, const LevelOf& level_of, batch_view<const S> eps,
                   batch_view<S> out) {
    require_same_shape(where, "eps has the shape of x", x, eps);
    require_same_shape(where, "out has the shape of x", x, out);
    const auto factors_of = [&](isize n) {
        const noise_level<S> level = level_of(n);
        return std::array{level.signal, level.sigma};
    };
    kernels::linear_combination({x, eps}, factors_of, out);
}

/// As above with new noise, which is also written to eps unless eps is empty.
template <Scalar S, class LevelOf>
void noise_samples(std::string_view where, batch_view<const S> x, const LevelOf& level_of, const fresh_noise& noise,
                   batch_view<S> eps, batch_view<S> out) {
    require_same_shape(where, "out has the shape of x", x, out);
    const auto address = noise.source.address(x.rows(), x.columns(), noise.step, noise.first_sample);
    kernels::detail::q_sample(address, x, level_of, eps, out);
}

/// Returns a batch of the size of x after fill(x, batch) has written it.
template <BatchLike X, class Fill>
[[nodiscard]] batch<scalar_of<X>> filled_like(const X& x, const Fill& fill) {
    const readable memory(x);
    batch<scalar_of<X>> out(memory.view().rows(), memory.view().columns());
    fill(memory.view(), batch_view<scalar_of<X>>(out));
    return out;
}

/// The moments of scale · x + √variance · ε with {scale, variance} = transition_of(n) for sample n.
template <Scalar S, class TransitionOf>
[[nodiscard]] gaussian_moments<S> noised_moments(batch_view<const S> x, const TransitionOf& transition_of) {
    gaussian_moments<S> moments{batch<S>(x.rows(), x.columns()), per_sample_values<S>(x.columns()),
                                per_sample_values<S>(x.columns())};
    for (isize n = 0; n < x.columns(); ++n) {
        const auto [scale, variance] = transition_of(n);
        moments.mean.col(n) = static_cast<S>(scale) * x.array().col(n);
        moments.variance(n) = static_cast<S>(variance);
        moments.log_variance(n) = static_cast<S>(clipped_log(variance));
    }
    return moments;
}

/// @throws shape_error unless t has a value for each sample; value_error unless the schedule is defined at all of them
template <NoiseProcess Schedule>
void require_times(std::string_view where, const Schedule& schedule, isize columns,
                   const per_sample<time_type<Schedule>>& t) {
    t.require_columns(where, columns);
    for (isize n = 0; n < columns; ++n) {
        require_time(where, schedule, t[n]);
    }
}

/// noise_samples with the noise level at time t of each sample.
template <NoiseProcess Schedule, Scalar S, class... Noise>
void level_sample(const Schedule& schedule, batch_view<const S> x0, const per_sample<time_type<Schedule>>& t,
                  const Noise&... noise_and_out) {
    require_times("q_sample", schedule, x0.columns(), t);
    const auto level_of = [&](isize n) {
        const auto [signal, sigma] = noise_level_at(schedule, t[n]);
        return noise_level<S>{static_cast<S>(signal), static_cast<S>(sigma)};
    };
    noise_samples<S>("q_sample", x0, level_of, noise_and_out...);
}

}  // namespace detail

/// Samples q(x_t|x_0) with given noise: x_t = α x_0 + σ ε, for a discrete schedule √ᾱ_t x_0 + √(1 − ᾱ_t) ε.
/// @shape x0, eps and out D × N; t one per sample or one for all; out may be x0 or eps
/// @units t is 0-based, or the time u of a continuous schedule
/// @throws shape_error if the shapes differ; value_error unless the schedule is defined at all t
/// @accuracy at most 4 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |α x_0| + |σ ε|, from the schedule's ᾱ_t or α
/// and σ; float32_tables count as float
/// @source Ho et al. 2020, arXiv 2006.11239, equation 4
template <NoiseProcess Schedule, BatchLike X, BatchLike E>
void q_sample(const Schedule& schedule, const X& x0, const per_sample<time_type<Schedule>>& t, const E& eps,
              batch_view<scalar_of<X>> out) {
    static_assert(std::same_as<scalar_of<E>, scalar_of<X>>,
                  "ddpm: wanted is eps in the scalar of x0: both float or both double");
    detail::level_sample(schedule, detail::readable(x0).view(), t, detail::readable(eps).view(), out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X, BatchLike E>
[[nodiscard]] batch<scalar_of<X>> q_sample(const Schedule& schedule, const X& x0,
                                           const per_sample<time_type<Schedule>>& t, const E& eps) {
    return detail::filled_like(x0, [&](const auto& x, const auto& out) { q_sample(schedule, x, t, eps, out); });
}

/// As above with new noise, generated on the fly.
/// @shape x0 and out D × N; t one per sample or one for all; out may be x0
/// @throws as above; as philox_noise::normal
/// @determinism bit-equal to q_sample with the noise of philox_noise::normal
template <NoiseProcess Schedule, BatchLike X>
void q_sample(const Schedule& schedule, const X& x0, const per_sample<time_type<Schedule>>& t, const fresh_noise& noise,
              batch_view<scalar_of<X>> out) {
    detail::level_sample(schedule, detail::readable(x0).view(), t, noise, batch_view<scalar_of<X>>(), out);
}

/// As above, and writes the noise to eps.
/// @shape eps D × N
template <NoiseProcess Schedule, BatchLike X>
void q_sample(const Schedule& schedule, const X& x0, const per_sample<time_type<Schedule>>& t, const fresh_noise& noise,
              batch_view<scalar_of<X>> eps, batch_view<scalar_of<X>> out) {
    detail::require_same_shape("q_sample", "eps has the shape of out", out, eps);
    detail::level_sample(schedule, detail::readable(x0).view(), t, noise, eps, out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X>
[[nodiscard]] batch<scalar_of<X>> q_sample(const Schedule& schedule, const X& x0,
                                           const per_sample<time_type<Schedule>>& t, const fresh_noise& noise) {
    return detail::filled_like(x0, [&](const auto& x, const auto& out) { q_sample(schedule, x, t, noise, out); });
}

// For what is no schedule or no batch: the compiler's first error says what is wanted.
template <class Schedule, class X, class... Rest>
    requires(!NoiseProcess<Schedule> || !BatchLike<X>)
batch<float> q_sample(const Schedule&, const X&, const Rest&...) {
    static_assert(
        NoiseProcess<Schedule>,
        "ddpm: wanted is a schedule with const members steps() and alpha_bar(t), or level(u) if it is continuous");
    static_assert(BatchLike<X>,
                  "ddpm: wanted, after the schedule, is a batch: a D x N array or batch_view of float or double");
    return {};
}

/// The mean α x_0 and the variance σ² of q(x_t|x_0), for a discrete schedule √ᾱ_t x_0 and 1 − ᾱ_t.
/// @shape x0 D × N; t one per sample or one for all
/// @units t is 0-based, or the time u of a continuous schedule; log_variance in nats, ≥ ln 1e-20
/// @throws shape_error unless t has a value for each sample; value_error unless the schedule is defined at all t
/// @accuracy from what q_sample starts with: at most 3 roundings of the mean, 2 of the variance, 2 of 1 + |log_variance|
/// @source Ho et al. 2020, arXiv 2006.11239, equation 4
template <NoiseProcess Schedule, BatchLike X>
[[nodiscard]] gaussian_moments<scalar_of<X>> q_mean_variance(const Schedule& schedule, const X& x0,
                                                             const per_sample<time_type<Schedule>>& t) {
    const detail::readable x(x0);
    detail::require_times("q_mean_variance", schedule, x.view().columns(), t);
    return detail::noised_moments(x.view(), [&](isize n) {
        if constexpr (NoiseSchedule<Schedule>) {
            return transition_at(schedule, clean, t[n]);
        } else {
            const noise_level<double> level = noise_level_at(schedule, t[n]);
            return transition<double>{level.signal, level.sigma * level.sigma};
        }
    });
}

}  // namespace ddpm
