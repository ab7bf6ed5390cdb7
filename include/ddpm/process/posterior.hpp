// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/process/moments.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <array>

namespace ddpm {

namespace detail {

/// Sets the variances of the steps t → s and their logarithms, for a fixed kind of variance.
template <NoiseProcess Schedule, Scalar S, class To>
void set_variances(const Schedule& schedule, reverse_variance kind, const per_sample<time_type<Schedule>>& t,
                   const To& s, gaussian_moments<S>& out) {
    out.variance.resize(out.mean.cols());
    out.log_variance.resize(out.mean.cols());
    for (isize n = 0; n < out.mean.cols(); ++n) {
        out.variance(n) = static_cast<S>(reverse_variance_at(schedule, kind, t[n], s[n]));
        out.log_variance(n) = static_cast<S>(reverse_log_variance_at(schedule, kind, t[n], s[n]));
    }
}

template <NoiseProcess Schedule, BatchLike X0, BatchLike Xt, class To>
void posterior_moments(const Schedule& schedule, const X0& x0_samples, const Xt& xt_samples,
                       const per_sample<time_type<Schedule>>& t, const To& s, gaussian_moments<scalar_of<X0>>& out) {
    using S = scalar_of<X0>;
    const readable x0_memory(x0_samples);
    const readable xt_memory(xt_samples);
    const batch_view<const S> x0 = x0_memory.view(), xt = xt_memory.view();
    require_same_shape("q_posterior", "xt has the shape of x0", x0, xt);
    s.require_columns("q_posterior", x0.columns());
    t.require_columns("q_posterior", x0.columns());
    for (isize n = 0; n < x0.columns(); ++n) {
        require_earlier("q_posterior", schedule, s[n], t[n]);
    }
    out.mean.resize(x0.rows(), x0.columns());
    set_variances(schedule, reverse_variance::fixed_small, t, s, out);
    const auto factors_of = [&](isize n) {
        const auto coefficients = posterior_at(schedule, s[n], t[n]);
        return std::array{static_cast<S>(coefficients.x0), static_cast<S>(coefficients.xt)};
    };
    kernels::linear_combination<S>({x0, xt}, factors_of, out.mean);
}

}  // namespace detail

/// The posterior q(x_{t−1}|x_t, x_0): mean, variance β̃_t, and log-variance (at t = 0, where β̃ is 0, that of t = 1).
/// The mean and the variance are
///     μ̃_t = √ᾱ_{t−1} β_t / (1 − ᾱ_t) x_0 + √(1 − β_t) (1 − ᾱ_{t−1}) / (1 − ᾱ_t) x_t
///     β̃_t = (1 − ᾱ_{t−1}) / (1 − ᾱ_t) β_t
/// @shape x0 and xt D × N; `out` is resized to D × N, in other memory; t one per sample or one for all
/// @units t is 0-based; log_variance in nats
/// @throws shape_error if the shapes differ; value_error unless 0 ≤ t < T
/// @accuracy mean: at most 3 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |a x_0| + |b x_t|, with the a and b of
/// posterior_at; the variance and its logarithm are those of reverse_variance_at and reverse_log_variance_at, rounded
/// @source Ho et al. 2020, arXiv 2006.11239, equations 6 and 7
/// @complexity allocates nothing if `out` already has that size
template <NoiseSchedule Schedule, BatchLike X0, BatchLike Xt>
void q_posterior(const Schedule& schedule, const X0& x0, const Xt& xt, const per_sample<isize>& t,
                 gaussian_moments<scalar_of<X0>>& out) {
    detail::posterior_moments(schedule, x0, xt, t, detail::timestep_before{t}, out);
}

/// As above, returned.
template <NoiseSchedule Schedule, BatchLike X0, BatchLike Xt>
[[nodiscard]] gaussian_moments<scalar_of<X0>> q_posterior(const Schedule& schedule, const X0& x0, const Xt& xt,
                                                          const per_sample<isize>& t) {
    gaussian_moments<scalar_of<X0>> moments;
    q_posterior(schedule, x0, xt, t, moments);
    return moments;
}

/// The posterior q(x_s|x_t, x_0) for s < t, two timesteps of a discrete schedule or two times of a continuous one. With
/// the variance v = σ_t² − (α_t/α_s)² σ_s² of the transition from s to t, its mean μ and its variance are
///     μ = α_s v / σ_t² x_0 + (α_t/α_s) σ_s² / σ_t² x_t
///     variance = σ_s² v / σ_t²
/// @shape x0 and xt D × N; `out` is resized to D × N, in other memory; t and s one per sample or one for all
/// @units t and s are 0-based, s = `clean` is x_0; or times of a continuous schedule; log_variance in nats, ≥ ln 1e-20
/// @throws shape_error if the shapes differ; value_error unless −1 ≤ s < t < T (discrete) or as require_earlier
/// (continuous)
/// @accuracy as above
/// @source Ho et al. 2020, arXiv 2006.11239, equations 6 and 7, with ᾱ_t/ᾱ_s for the paper's α_t = 1 − β_t; Kingma
/// et al. 2021, arXiv 2107.00630, equation 25
/// @complexity allocates nothing if `out` already has that size
template <NoiseProcess Schedule, BatchLike X0, BatchLike Xt>
void q_posterior(const Schedule& schedule, const X0& x0, const Xt& xt, const per_sample<time_type<Schedule>>& t,
                 const per_sample<time_type<Schedule>>& s, gaussian_moments<scalar_of<X0>>& out) {
    detail::posterior_moments(schedule, x0, xt, t, s, out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X0, BatchLike Xt>
[[nodiscard]] gaussian_moments<scalar_of<X0>> q_posterior(const Schedule& schedule, const X0& x0, const Xt& xt,
                                                          const per_sample<time_type<Schedule>>& t,
                                                          const per_sample<time_type<Schedule>>& s) {
    gaussian_moments<scalar_of<X0>> moments;
    q_posterior(schedule, x0, xt, t, s, moments);
    return moments;
}

}  // namespace ddpm
