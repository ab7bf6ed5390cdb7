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

namespace ddpm {

/// Options of the Gaussian of a reverse step, computed from a network's prediction.
struct reverse_moments_options {
    reverse_variance variance = reverse_variance::fixed_small;
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

/// Computes the moments of p(x_s|x_t) for a batch. The constructor checks the arguments; write() gives mean and
/// variance.
template <NoiseProcess Schedule, Scalar S, class To>
class reverse_moments {
public:
    using times = per_sample<time_type<Schedule>>;

    /// @throws shape_error and value_error as p_mean_variance
    reverse_moments(const Schedule& schedule, prediction kind, batch_view<const S> xt, batch_view<const S> predicted,
                    const times& t, const To& s, const reverse_moments_options& options)
        : schedule_(schedule), kind_(kind), xt_(xt), predicted_(predicted), t_(t), s_(s), options_(options) {
        require_same_shape("p_mean_variance", "prediction has the shape of xt", xt, predicted);
        if (options.clip_x0 && !(*options.clip_x0 > 0)) {
            throw value_error("p_mean_variance", "clip_x0", "> 0", *options.clip_x0);
        }
        t.require_columns("p_mean_variance", xt.columns());
        for (isize n = 0; n < xt.columns(); ++n) {
            require_earlier("p_mean_variance", schedule, s(n), t[n]);
            static_cast<void>(conversion(kind, prediction::x0, noise_level_at(schedule, t[n])));
        }
    }

    /// With a fixed variance for each sample.
    void write(gaussian_moments<S>& out) const {
        if (needs_head(options_.variance)) {
            throw value_error("p_mean_variance", "variance without a head", "a fixed one",
                              "one that needs the network's head");
        }
        write_mean(out.mean);
        set_variances(schedule_, options_.variance, t_, s_, out);
    }

    /// With a variance for each element: from the head, or fixed.
    void write(batch_view<const S> head, diagonal_moments<S>& out) const {
        require_same_shape("p_mean_variance", "head has the shape of xt", xt_, head);
        write_mean(out.mean);
        out.variance.resize(xt_.rows(), xt_.columns());
        out.log_variance.resize(xt_.rows(), xt_.columns());
        if (!needs_head(options_.variance)) {
            for (isize n = 0; n < xt_.columns(); ++n) {
                const auto t = t_[n], s = s_(n);
                out.variance.col(n).setConstant(
                    static_cast<S>(reverse_variance_at(schedule_, options_.variance, t, s)));
                out.log_variance.col(n).setConstant(
                    static_cast<S>(reverse_log_variance_at(schedule_, options_.variance, t, s)));
            }
            return;
        }
        const batch_view<S> variance(out.variance), log_variance(out.log_variance);
        kernels::for_each_block(head.rows(), head.columns(), [&](isize n, isize first, isize last) {
            const head_variance of = head_variance_at(schedule_, options_.variance, t_[n], s_(n));
            head_variances(of, last - first, head.column(n) + first, variance.column(n) + first,
                           log_variance.column(n) + first);
        });
    }

private:
    void write_mean(batch<S>& mean) const {
        mean.resize(xt_.rows(), xt_.columns());
        const auto limit = static_cast<S>(options_.clip_x0.value_or(std::numeric_limits<double>::infinity()));
        const auto coefficients_of = [&](isize n) {
            const affine x0 = conversion(kind_, prediction::x0, noise_level_at(schedule_, t_[n]));
            const auto posterior = posterior_at(schedule_, s_(n), t_[n]);
            return kernels::reverse_coefficients<S>{
                .estimate = {.x0_xt = static_cast<S>(x0.xt), .x0_value = static_cast<S>(x0.value), .limit = limit},
                .x0 = static_cast<S>(posterior.x0),
                .xt = static_cast<S>(posterior.xt)};
        };
        kernels::reverse_step<S>(coefficients_of, xt_, predicted_, batch_view<S>(mean));
    }

    const Schedule& schedule_;
    prediction kind_;
    batch_view<const S> xt_, predicted_;
    const times& t_;
    const To& s_;
    const reverse_moments_options& options_;
};

}  // namespace detail

/// The reverse step p(x_s|x_t) with a fixed variance. The mean is that of q(x_s|x_t, x̂_0), with x̂_0 computed from the
/// prediction. `ancestral` samples from this Gaussian.
/// @shape xt and predicted D × N; `out` is resized to D × N, in other memory; t and s one per sample or one for all
/// @units t and s are 0-based, s = `clean` is x_0; or times of a continuous schedule; log_variance in nats, as
/// reverse_log_variance_at
/// @throws shape_error if the shapes differ; value_error unless −1 ≤ s < t < T (discrete) or as require_earlier
/// (continuous); where x̂_0 is not determined (see `conversion`); unless clip_x0 > 0; if the variance needs a head
/// @determinism the same bits on every instruction set and for every thread count
/// @source Ho et al. 2020, arXiv 2006.11239, equation 11 and section 3.2; clipping: the authors' code
/// @complexity allocates nothing if `out` already has that size
template <NoiseProcess Schedule, BatchLike X, BatchLike P>
void p_mean_variance(const Schedule& schedule, prediction kind, const X& xt, const P& predicted,
                     const per_sample<time_type<Schedule>>& t, const per_sample<time_type<Schedule>>& s,
                     const reverse_moments_options& options, gaussian_moments<scalar_of<X>>& out) {
    const detail::readable x(xt);
    const detail::readable p(predicted);
    s.require_columns("p_mean_variance", x.view().columns());
    const auto earlier = [&](isize n) { return s[n]; };
    detail::reverse_moments(schedule, kind, x.view(), p.view(), t, earlier, options).write(out);
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
    const detail::readable x(xt);
    const detail::readable p(predicted);
    const auto earlier = [&](isize n) { return t[n] - 1; };
    detail::reverse_moments(schedule, kind, x.view(), p.view(), t, earlier, options).write(out);
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
/// @determinism bit-equal for every thread count; the mean also on every instruction set
/// @source Nichol and Dhariwal 2021, arXiv 2102.09672, equation 15; optimal: Bao et al. 2022, arXiv
/// 2201.06503, theorem 1
/// @complexity allocates nothing if `out` already has that size
template <NoiseProcess Schedule, BatchLike X, BatchLike P, BatchLike H>
void p_mean_variance(const Schedule& schedule, prediction kind, const X& xt, const P& predicted, const H& head,
                     const per_sample<time_type<Schedule>>& t, const per_sample<time_type<Schedule>>& s,
                     const reverse_moments_options& options, diagonal_moments<scalar_of<X>>& out) {
    const detail::readable x(xt);
    const detail::readable p(predicted);
    const detail::readable h(head);
    s.require_columns("p_mean_variance", x.view().columns());
    const auto earlier = [&](isize n) { return s[n]; };
    detail::reverse_moments(schedule, kind, x.view(), p.view(), t, earlier, options).write(h.view(), out);
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
    const detail::readable x(xt);
    const detail::readable p(predicted);
    const detail::readable h(head);
    const auto earlier = [&](isize n) { return t[n] - 1; };
    detail::reverse_moments(schedule, kind, x.view(), p.view(), t, earlier, options).write(h.view(), out);
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
