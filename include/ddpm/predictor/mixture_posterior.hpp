// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/detail/mixture_view.hpp>
#include <ddpm/predictor/gaussian_mixture.hpp>
#include <ddpm/process/moments.hpp>

#include <cmath>
#include <string_view>

namespace ddpm {

namespace detail {

/// Calls take(n, view) for each sample n.
template <Scalar S, class Take>
void for_each_view(std::string_view where, const gaussian_mixture& mixture, batch_view<const S> xt,
                   const per_sample<noise_level<double>>& level, const Take& take) {
    level.require_columns(where, xt.columns());
    mixture_pass pass(mixture, xt.columns());
    pass(
        where, xt, [&](isize n) { return level[n]; }, take);
}

}  // namespace detail

/// ln p(x_t) for x_t = α x_0 + σ ε with x_0 from the mixture; at the noise level {1, 0}, ln p of the data.
/// @shape xt D × N; level one per sample or one for all; returns 1 × N
/// @units nats per sample
/// @throws shape_error if the sizes do not fit; value_error unless α and σ are finite, not negative, and not both 0
/// @accuracy at most D + K + 16 roundings (2⁻⁵³) of |ln w| + Σ (2 + |ln p| + p a²) of the component where that is
/// largest, with weight w, mean m and variances λ, p = 1/(α² λ + σ²) and a = |x_t| + α |m|. If the mixture is rotated,
/// 3 D more for a = |V|ᵀ (|x_t| + α |m|) with its axes V
/// @complexity O(K · D²) per sample, O(K · D) unless the mixture is rotated
template <BatchLike X>
[[nodiscard]] per_sample_values<double> log_density(const gaussian_mixture& mixture, const X& xt,
                                                    const per_sample<noise_level<double>>& level) {
    const detail::readable x(xt);
    per_sample_values<double> out(x.view().columns());
    detail::for_each_view("log_density", mixture, x.view(), level,
                          [&](isize n, detail::mixture_view<double>& view) { out(n) = view.log_density(); });
    return out;
}

/// The probability of each component given x_t.
/// @shape xt D × N; level one per sample or one for all; returns K × N, its columns add up to 1
/// @throws as log_density
/// @accuracy with the error E of log_density, at most 2 E of each that is a normal number, relative to it; columns add up
/// to 1 within K + 1 roundings (2⁻⁵³)
/// @complexity as of log_density
template <BatchLike X>
[[nodiscard]] batch<double> responsibilities(const gaussian_mixture& mixture, const X& xt,
                                             const per_sample<noise_level<double>>& level) {
    const detail::readable x(xt);
    batch<double> out(mixture.components(), x.view().columns());
    detail::for_each_view("responsibilities", mixture, x.view(), level,
                          [&](isize n, detail::mixture_view<double>& view) { out.col(n) = view.responsibilities(); });
    return out;
}

/// E[ε|x_t], the ideal prediction of ε.
/// @shape xt D × N; level one per sample or one for all; returns D × N
/// @throws as log_density
/// @accuracy with the error E, p and a of log_density and the responsibilities r: at most 2 E plus K + 12 roundings
/// (2⁻⁵³), times Σ r σ p a over the components. If the mixture is rotated, 3 D more, and |V| (p a) for p a
/// @complexity as of log_density
template <BatchLike X>
[[nodiscard]] batch<double> epsilon_given_xt(const gaussian_mixture& mixture, const X& xt,
                                             const per_sample<noise_level<double>>& level) {
    const detail::readable x(xt);
    batch<double> out(mixture.dimension(), x.view().columns());
    detail::for_each_view("epsilon_given_xt", mixture, x.view(), level,
                          [&](isize n, detail::mixture_view<double>& view) { out.col(n) = view.epsilon(); });
    return out;
}

/// The exact moments of x_0 given x_t: E[x_0|x_t], and the mean over the dimensions of Var[x_0|x_t]. The variance per
/// dimension of the exact reverse step p(x_s|x_t) is that of q(x_s|x_t, x_0) plus c² times this one, where c is the
/// coefficient of x_0 in the mean of q.
/// @shape xt D × N; level one per sample or one for all; mean D × N, variance and log_variance 1 × N
/// @throws as log_density
/// @accuracy with the error E, p and a of log_density and the responsibilities r: the mean at most 2 E plus K + 12
/// roundings (2⁻⁵³), times s = Σ r b over the components, with b = |m| + α λ p a; the variance at most 6 E plus D + 3 K +
/// 30, times the mean over the dimensions of Σ r (v + (b + s)²), with v = σ² λ p; log_variance its logarithm, rounded.
/// If the mixture is rotated, 12 D more, and b = |V| (|V|ᵀ |m| + α λ p a), v = V² (σ² λ p) by elements
/// @source Bao et al. 2022, arXiv 2206.07309, section 3
/// @complexity as of log_density
template <BatchLike X>
[[nodiscard]] gaussian_moments<double> x0_given_xt(const gaussian_mixture& mixture, const X& xt,
                                                   const per_sample<noise_level<double>>& level) {
    const detail::readable x(xt);
    const isize samples = x.view().columns();
    gaussian_moments<double> out{batch<double>(mixture.dimension(), samples), per_sample_values<double>(samples),
                                 per_sample_values<double>(samples)};
    detail::for_each_view("x0_given_xt", mixture, x.view(), level, [&](isize n, detail::mixture_view<double>& view) {
        out.mean.col(n) = view.x0();
        out.variance(n) = view.x0_variance();
        out.log_variance(n) = std::log(out.variance(n));
    });
    return out;
}

}  // namespace ddpm
