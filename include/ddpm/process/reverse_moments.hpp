// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/process/moments.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/process/posterior.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>

namespace ddpm {

/// Options of the Gaussian of a reverse step, computed from a network's prediction.
struct reverse_moments_options {
    reverse_variance variance = reverse_variance::fixed_small;  ///< the variance of the Gaussian
    std::optional<double> clip_x0{};  ///< clamps x̂_0 to [−c, c]; without a value it is not clamped
};

namespace detail {

/// The variances of `size` elements given by the output of a variance head, and their logarithms; computed in double.
template <Scalar S>
void head_variances(const head_variance& of, isize size, const S* head, S* variance, S* log_variance) {
    constexpr isize chunk = 64;
    double values[chunk] = {};
    for (isize first = 0; first < size; first += chunk) {
        const isize count = std::min(chunk, size - first);
        for (isize i = 0; i < count; ++i) {
            values[i] = of.log_variance(static_cast<double>(head[first + i]));
            log_variance[first + i] = static_cast<S>(values[i]);
        }
        kernels::exp(count, values, values);
        for (isize i = 0; i < count; ++i) {
            variance[first + i] = static_cast<S>(values[i]);
        }
    }
}

/// Checks the arguments of p_mean_variance, then writes the mean.
template <NoiseProcess Schedule, Scalar S, class To>
void reverse_mean(const Schedule& schedule, prediction kind, batch_view<const S> xt, batch_view<const S> predicted,
                  const per_sample<time_type<Schedule>>& t, const To& s, const reverse_moments_options& options,
                  batch<S>& mean) {
    constexpr std::string_view where = "p_mean_variance";
    require_same_shape(where, "prediction has the shape of xt", xt, predicted);
    if (options.clip_x0 && !(*options.clip_x0 > 0)) {
        throw value_error(where, "clip_x0", "> 0", *options.clip_x0);
    }
    s.require_columns(where, xt.columns());
    t.require_columns(where, xt.columns());
    for (isize n = 0; n < xt.columns(); ++n) {
        require_earlier(where, schedule, s[n], t[n]);
        static_cast<void>(conversion(kind, prediction::x0, noise_level_at(schedule, t[n])));
    }
    mean.resize(xt.rows(), xt.columns());
    const auto limit = static_cast<S>(options.clip_x0.value_or(std::numeric_limits<double>::infinity()));
    const auto coefficients_of = [&](isize n) {
        const affine x0 = conversion(kind, prediction::x0, noise_level_at(schedule, t[n]));
        const auto posterior = posterior_at(schedule, s[n], t[n]);
        return kernels::reverse_coefficients<S>{
            .estimate = {.x0_xt = static_cast<S>(x0.xt), .x0_value = static_cast<S>(x0.value), .limit = limit},
            .x0 = static_cast<S>(posterior.x0),
            .xt = static_cast<S>(posterior.xt)};
    };
    kernels::reverse_step<S>(coefficients_of, xt, predicted, batch_view<S>(mean));
}

/// The moments with a fixed variance for each sample.
template <NoiseProcess Schedule, BatchLike X, BatchLike P, class To>
void fixed_moments(const Schedule& schedule, prediction kind, const X& xt, const P& predicted,
                   const per_sample<time_type<Schedule>>& t, const To& s, const reverse_moments_options& options,
                   gaussian_moments<scalar_of<X>>& out) {
    if (needs_head(options.variance)) {
        throw value_error("p_mean_variance", "variance without a head", "a fixed one",
                          "one that needs the network's head");
    }
    reverse_mean(schedule, kind, readable(xt).view(), readable(predicted).view(), t, s, options, out.mean);
    set_variances(schedule, options.variance, t, s, out);
}

/// The moments with a variance for each element: from the head, or fixed.
template <NoiseProcess Schedule, BatchLike X, BatchLike P, BatchLike H, class To>
void element_moments(const Schedule& schedule, prediction kind, const X& xt, const P& predicted, const H& head_output,
                     const per_sample<time_type<Schedule>>& t, const To& s, const reverse_moments_options& options,
                     diagonal_moments<scalar_of<X>>& out) {
    using S = scalar_of<X>;
    const readable x_memory(xt);
    const readable head_memory(head_output);
    const batch_view<const S> x = x_memory.view(), head = head_memory.view();
    require_same_shape("p_mean_variance", "head has the shape of xt", x, head);
    reverse_mean(schedule, kind, x, readable(predicted).view(), t, s, options, out.mean);
    out.variance.resize(x.rows(), x.columns());
    out.log_variance.resize(x.rows(), x.columns());
    if (!needs_head(options.variance)) {
        for (isize n = 0; n < x.columns(); ++n) {
            const auto variance = reverse_variance_at(schedule, options.variance, t[n], s[n]);
            const auto log_variance = reverse_log_variance_at(schedule, options.variance, t[n], s[n]);
            out.variance.col(n).setConstant(static_cast<S>(variance));
            out.log_variance.col(n).setConstant(static_cast<S>(log_variance));
        }
        return;
    }
    const batch_view<S> variance(out.variance), log_variance(out.log_variance);
    kernels::for_each_block(head.rows(), head.columns(), [&](isize n, isize first, isize last) {
        const head_variance of = head_variance_at(schedule, options.variance, t[n], s[n]);
        head_variances(of, last - first, head.column(n) + first, variance.column(n) + first,
                       log_variance.column(n) + first);
    });
}

}  // namespace detail

/// The reverse step p(x_s|x_t) with a fixed variance. The mean is that of q(x_s|x_t, x̂_0), with x̂_0 computed from the
/// prediction. `ancestral` samples from this Gaussian.
/// @shape xt and predicted D × N; `out` is resized to D × N, in other memory; t and s one per sample or one for all
/// @units t and s are 0-based, s = `clean` is x_0; or times of a continuous schedule; log_variance in nats, as
/// reverse_log_variance_at
/// @throws shape_error if the shapes differ; value_error unless −1 ≤ s < t < T (discrete) or as require_earlier
/// (continuous); where x̂_0 is not determined (see `conversion`); unless clip_x0 > 0; if the variance needs a head
/// @accuracy mean: at most 8 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |a| (|c x_t| + |d predicted|) + |b x_t|,
/// with x̂_0 = c x_t + d predicted by `conversion` and the a and b of posterior_at; the rest as q_posterior
/// @determinism the same bits on every instruction set and for every thread count
/// @source Ho et al. 2020, arXiv 2006.11239, equation 11 and section 3.2; clipping: the authors' code
/// @complexity allocates nothing if `out` already has that size
template <NoiseProcess Schedule, BatchLike X, BatchLike P>
void p_mean_variance(const Schedule& schedule, prediction kind, const X& xt, const P& predicted,
                     const per_sample<time_type<Schedule>>& t, const per_sample<time_type<Schedule>>& s,
                     const reverse_moments_options& options, gaussian_moments<scalar_of<X>>& out) {
    detail::fixed_moments(schedule, kind, xt, predicted, t, s, options, out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X, BatchLike P>
[[nodiscard]] gaussian_moments<scalar_of<X>> p_mean_variance(const Schedule& schedule, prediction kind, const X& xt,
                                                             const P& predicted,
                                                             const per_sample<time_type<Schedule>>& t,
                                                             const per_sample<time_type<Schedule>>& s,
                                                             const reverse_moments_options& options = {}) {
    gaussian_moments<scalar_of<X>> moments;
    p_mean_variance(schedule, kind, xt, predicted, t, s, options, moments);
    return moments;
}

/// As above, for the step from t to t − 1 of a discrete schedule.
/// @units t is 0-based
template <NoiseSchedule Schedule, BatchLike X, BatchLike P>
void p_mean_variance(const Schedule& schedule, prediction kind, const X& xt, const P& predicted,
                     const per_sample<isize>& t, const reverse_moments_options& options,
                     gaussian_moments<scalar_of<X>>& out) {
    detail::fixed_moments(schedule, kind, xt, predicted, t, detail::timestep_before{t}, options, out);
}

/// As above, returned.
template <NoiseSchedule Schedule, BatchLike X, BatchLike P>
[[nodiscard]] gaussian_moments<scalar_of<X>> p_mean_variance(const Schedule& schedule, prediction kind, const X& xt,
                                                             const P& predicted, const per_sample<isize>& t,
                                                             const reverse_moments_options& options = {}) {
    gaussian_moments<scalar_of<X>> moments;
    p_mean_variance(schedule, kind, xt, predicted, t, options, moments);
    return moments;
}

/// The reverse step p(x_s|x_t) of a network with a variance head: one variance per element. With a fixed variance the
/// head is not read.
/// @shape xt, predicted and head D × N; `out` is resized to D × N, in other memory; t and s one per sample or one for
/// all
/// @units as above
/// @throws as above; shape_error if the head has another shape
/// @accuracy the mean as above; log_variance is that of head_variance, rounded, and the variance the exponential of
/// head_variance's, within 3 roundings of it
/// @determinism bit-equal for every thread count; the mean also on every instruction set
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 15; optimal: Bao et al. 2022, arXiv
/// 2201.06503, theorem 1
/// @complexity allocates nothing if `out` already has that size
template <NoiseProcess Schedule, BatchLike X, BatchLike P, BatchLike H>
void p_mean_variance(const Schedule& schedule, prediction kind, const X& xt, const P& predicted, const H& head,
                     const per_sample<time_type<Schedule>>& t, const per_sample<time_type<Schedule>>& s,
                     const reverse_moments_options& options, diagonal_moments<scalar_of<X>>& out) {
    detail::element_moments(schedule, kind, xt, predicted, head, t, s, options, out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X, BatchLike P, BatchLike H>
[[nodiscard]] diagonal_moments<scalar_of<X>> p_mean_variance(const Schedule& schedule, prediction kind, const X& xt,
                                                             const P& predicted, const H& head,
                                                             const per_sample<time_type<Schedule>>& t,
                                                             const per_sample<time_type<Schedule>>& s,
                                                             const reverse_moments_options& options) {
    diagonal_moments<scalar_of<X>> moments;
    p_mean_variance(schedule, kind, xt, predicted, head, t, s, options, moments);
    return moments;
}

/// As above, for the step from t to t − 1 of a discrete schedule.
/// @units t is 0-based
template <NoiseSchedule Schedule, BatchLike X, BatchLike P, BatchLike H>
void p_mean_variance(const Schedule& schedule, prediction kind, const X& xt, const P& predicted, const H& head,
                     const per_sample<isize>& t, const reverse_moments_options& options,
                     diagonal_moments<scalar_of<X>>& out) {
    detail::element_moments(schedule, kind, xt, predicted, head, t, detail::timestep_before{t}, options, out);
}

/// As above, returned.
template <NoiseSchedule Schedule, BatchLike X, BatchLike P, BatchLike H>
[[nodiscard]] diagonal_moments<scalar_of<X>> p_mean_variance(const Schedule& schedule, prediction kind, const X& xt,
                                                             const P& predicted, const H& head,
                                                             const per_sample<isize>& t,
                                                             const reverse_moments_options& options) {
    diagonal_moments<scalar_of<X>> moments;
    p_mean_variance(schedule, kind, xt, predicted, head, t, options, moments);
    return moments;
}

}  // namespace ddpm
