// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/inner_product.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/schedule/level_slope.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm {

/// The gradients that q_sample_backward computes.
template <Scalar S>
struct forward_gradient {
    batch<S> x0;                             ///< D × N
    std::vector<noise_level<double>> level;  ///< per sample, with respect to α and σ
};

/// The vector-Jacobian product of q_sample, for training an encoder that computes x_0 or a schedule that computes α and
/// σ: d_x0 = α d_xt, and for each sample d_level = {⟨d_xt, x_0⟩, ⟨d_xt, ε⟩}.
/// @shape x0, eps and d_xt D × N; t one per sample or one for all; d_x0 D × N, may be empty (not computed) or the same
/// memory as an input; d_level N, may be empty
/// @units t is 0-based, or the time u of a continuous schedule
/// @throws shape_error if the shapes differ; value_error unless the schedule is defined at all t
/// @accuracy d_x0: at most 4 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of it; d_level, summed in double: at most D
/// roundings of double of Σ|d_xt x_0| and Σ|d_xt ε|
/// @determinism the same bits on every instruction set and for every thread count
template <NoiseProcess Schedule, BatchLike X, BatchLike E, BatchLike D>
void q_sample_backward(const Schedule& schedule, const X& x0, const per_sample<time_type<Schedule>>& t, const E& eps,
                       const D& d_xt, batch_view<scalar_of<X>> d_x0, std::span<noise_level<double>> d_level) {
    using S = scalar_of<X>;
    const detail::readable x(x0);
    const detail::readable e(eps);
    const detail::readable d(d_xt);
    detail::require_same_shape("q_sample_backward", "eps has the shape of x0", x.view(), e.view());
    detail::require_same_shape("q_sample_backward", "d_xt has the shape of x0", x.view(), d.view());
    if (d_x0.size() != 0) {
        detail::require_same_shape("q_sample_backward", "d_x0 has the shape of x0", x.view(), d_x0);
    }
    if (!d_level.empty() && static_cast<isize>(d_level.size()) != x.view().columns()) {
        throw shape_error("q_sample_backward", "one d_level per sample", x.view().columns(), d_level.size());
    }
    detail::require_times("q_sample_backward", schedule, x.view().columns(), t);
    if (!d_level.empty()) {
        kernels::detail::column_inner_products(
            d.view(), x.view(), [&](isize n, double sum) { d_level[static_cast<std::size_t>(n)].signal = sum; });
        kernels::detail::column_inner_products(
            d.view(), e.view(), [&](isize n, double sum) { d_level[static_cast<std::size_t>(n)].sigma = sum; });
    }
    if (d_x0.size() != 0) {
        kernels::linear_combination<S>(
            {d.view()}, [&](isize n) { return std::array{static_cast<S>(noise_level_at(schedule, t[n]).signal)}; },
            d_x0);
    }
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X, BatchLike E, BatchLike D>
[[nodiscard]] forward_gradient<scalar_of<X>> q_sample_backward(const Schedule& schedule, const X& x0,
                                                               const per_sample<time_type<Schedule>>& t, const E& eps,
                                                               const D& d_xt) {
    const detail::readable x(x0);
    forward_gradient<scalar_of<X>> out{batch<scalar_of<X>>(x.view().rows(), x.view().columns()),
                                       std::vector<noise_level<double>>(static_cast<std::size_t>(x.view().columns()))};
    q_sample_backward(schedule, x.view(), t, eps, d_xt, out.x0, out.level);
    return out;
}

/// The gradient with respect to ln(α²/σ²) with α² + σ² constant, from the gradient with respect to α and σ. For a
/// learned γ = −ln(α²/σ²) negate it.
/// @accuracy at most 8 roundings (2⁻⁵³) of ασ (|d_α| σ + |d_σ| α) / (2 (α² + σ²))
/// @source Kingma et al. 2021, arXiv 2107.00630, section 3.2
[[nodiscard]] inline double log_snr_gradient(const noise_level<double>& level,
                                             const noise_level<double>& d_level) noexcept {
    const auto [alpha, sigma] = level;
    return alpha * sigma * (d_level.signal * sigma - d_level.sigma * alpha) / (2 * (alpha * alpha + sigma * sigma));
}

/// The gradient with respect to the time u of a continuous schedule, from the gradient with respect to α and σ.
/// @throws value_error if the schedule is not defined at u
/// @accuracy at most 2 roundings (2⁻⁵³) of |d_α dα/du| + |d_σ dσ/du|, and the errors of level_slope_at
template <ContinuousSchedule Schedule>
[[nodiscard]] double time_gradient(const Schedule& schedule, double u, const noise_level<double>& d_level) {
    const noise_level<double> slope = level_slope_at(schedule, u);
    return d_level.signal * slope.signal + d_level.sigma * slope.sigma;
}

}  // namespace ddpm
