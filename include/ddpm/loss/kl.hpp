// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/gaussian_kl.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/weighted_error.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>

#include <cmath>
#include <type_traits>

namespace ddpm {

/// KL(N(m1, e^lv1) ‖ N(m2, e^lv2)) of two one-dimensional Gaussians, which is
///     (lv2 − lv1 + e^(lv1 − lv2) + (m1 − m2)² e^(−lv2) − 1) / 2
/// @units nats; lv1 and lv2 are log-variances
/// @accuracy with d = lv1 − lv2 at most 10 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of (1 + |d|)(|d| + |e^d − 1|) +
/// (m1 − m2)² e^(−lv2): terms of the size of d cancel. In kl_diagonal_gaussians they do not
/// @source Ho et al. 2020, arXiv 2006.11239, the authors' code
template <Scalar S>
[[nodiscard]] S kl_gaussians(S m1, S lv1, S m2, S lv2) noexcept {
    const S difference = m1 - m2;
    return S(0.5) * (lv2 - lv1 + std::expm1(lv1 - lv2) + difference * difference * std::exp(-lv2));
}

/// The KL divergence of two diagonal Gaussians for each sample, summed over its elements.
/// @shape m1 and m2 D × N; lv1 and lv2 D × N, or 1 × N for one variance per sample
/// @units nats per sample; lv1 and lv2 are log-variances
/// @throws shape_error if the shapes do not fit
/// @accuracy at most 24 roundings of it for each element, with lv1 − lv2 as it is rounded; summed in double
/// @determinism the same bits for every thread count
/// @source Ho et al. 2020, arXiv 2006.11239, the authors' code
template <BatchLike M1, BatchLike V1, BatchLike M2, BatchLike V2>
[[nodiscard]] per_sample_values<scalar_of<M1>> kl_diagonal_gaussians(const M1& m1, const V1& lv1, const M2& m2,
                                                                     const V2& lv2) {
    const detail::readable mean1(m1);
    const detail::readable mean2(m2);
    const detail::readable log_variance1(lv1);
    const detail::readable log_variance2(lv2);
    const auto x = mean1.view(), y = mean2.view();
    const auto vx = log_variance1.view(), vy = log_variance2.view();
    detail::require_same_shape("kl_diagonal_gaussians", "both means have one shape", x, y);
    for (const auto& v : {vx, vy}) {
        if (v.columns() != x.columns() || (v.rows() != x.rows() && v.rows() != 1)) {
            throw shape_error("kl_diagonal_gaussians", "log-variance", detail::text(x.rows(), " or 1 x ", x.columns()),
                              detail::text(v.rows(), " x ", v.columns()));
        }
    }
    per_sample_values<scalar_of<M1>> kl(x.columns());
    kernels::detail::gaussian_kl(x, vx, y, vy, kl.data());
    return kl;
}

/// The weight of a prediction's squared error in KL(q(x_{t−1}|x_t, x_0) ‖ p(x_{t−1}|x_t)) if both have the posterior's
/// variance; for ε it is β_t² / (2 σ_t² α_t (1 − ᾱ_t)), with the clipped variance at t = 0.
/// @units t is 0-based; nats per element
/// @throws value_error unless 0 ≤ t < T, and where the prediction does not determine x̂_0 (ε or score at ᾱ_t = 0)
/// @accuracy at most 8 roundings (2⁻⁵³) of it, from what posterior_at, `conversion` and
/// reverse_log_variance_at give
/// @source Ho et al. 2020, arXiv 2006.11239, equation 12
template <NoiseSchedule Schedule>
[[nodiscard]] double kl_weight(const Schedule& schedule, prediction kind, isize t) {
    const double x0_scale = conversion(kind, prediction::x0, noise_level_at(schedule, t)).value;
    const double mean_scale = static_cast<double>(posterior_at(schedule, t - 1, t).x0) * x0_scale;
    const double log_variance =
        static_cast<double>(reverse_log_variance_at(schedule, reverse_variance::fixed_small, t, t - 1));
    return 0.5 * mean_scale * mean_scale * std::exp(-log_variance);
}

/// KL(q(x_{t−1}|x_t, x_0) ‖ p(x_{t−1}|x_t)) with equal variances, averaged over all elements, and its gradient with
/// respect to the prediction: half the squared distance of the means divided by the variance, which is the squared
/// error of the prediction times `kl_weight`.
/// @units nats per dimension
/// @source Ho et al. 2020, arXiv 2006.11239, equations 8 and 12
struct kl_loss {
    static constexpr bool weighs_elements = true;

    /// @shape predicted and d_predicted D × N; d_predicted is overwritten
    /// @throws shape_error if the shapes differ or the batch is empty; value_error unless 0 ≤ t < T, where the
    /// prediction does not determine x̂_0 (ε or score at ᾱ_t = 0), and for element weights that are negative or not
    /// finite
    /// @accuracy as mse_loss, with kl_weight
    template <NoiseSchedule Schedule, Scalar S>
    double operator()(const Schedule& schedule, prediction kind, const noised_batch<S>& noised,
                      std::type_identity_t<batch_view<const S>> predicted,
                      std::type_identity_t<batch_view<S>> d_predicted) const {
        return detail::weighted_error("kl_loss", schedule, kind, noised, predicted, d_predicted,
                                      [&](isize t) { return kl_weight(schedule, kind, t); });
    }

    /// @throws value_error if a call with a sample at t would
    template <NoiseSchedule Schedule>
    void require_time(const Schedule& schedule, prediction kind, isize t) const {
        static_cast<void>(kl_weight(schedule, kind, t));
    }
};

}  // namespace ddpm
