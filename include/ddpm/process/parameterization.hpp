// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/noise_level.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <array>
#include <cmath>
#include <concepts>
#include <string_view>

namespace ddpm {

/// What a network predicts, for x_t = α x_0 + σ ε. A variance-preserving schedule has α = √ᾱ_t and σ = √(1 − ᾱ_t).
/// @source v: Salimans and Ho 2022, arXiv 2202.00512, section 4; flow, with the opposite sign: Liu et al. 2022, arXiv
/// 2209.03003, equation 1
enum class prediction {
    epsilon,  ///< the noise ε
    x0,       ///< the clean sample
    v,        ///< the velocity (α ε − σ x_0) / √(α² + σ²)
    score,    ///< ∇ ln q(x_t|x_0) = −ε/σ
    flow,     ///< the velocity ε − x_0 of a rectified flow
};

/// The name of a kind of prediction, for messages.
[[nodiscard]] constexpr std::string_view name_of(prediction kind) noexcept {
    constexpr std::string_view names[] = {"epsilon", "x0", "v", "score", "flow"};
    return names[static_cast<int>(kind)];
}

/// A quantity as the linear function xt · x_t + value · y of x_t and another quantity y.
struct affine {
    double xt;
    double value;
};

namespace detail {

inline affine as_x0(prediction from, double alpha, double sigma) noexcept {
    const double square = alpha * alpha + sigma * sigma;
    return from == prediction::epsilon ? affine{1 / alpha, -sigma / alpha}
           : from == prediction::x0    ? affine{0, 1}
           : from == prediction::v     ? affine{alpha / square, -sigma / std::sqrt(square)}
           : from == prediction::score ? affine{1 / alpha, sigma * sigma / alpha}
                                       : affine{1 / (alpha + sigma), -sigma / (alpha + sigma)};
}

inline affine as_epsilon(prediction from, double alpha, double sigma) noexcept {
    const double square = alpha * alpha + sigma * sigma;
    return from == prediction::epsilon ? affine{0, 1}
           : from == prediction::x0    ? affine{1 / sigma, -alpha / sigma}
           : from == prediction::v     ? affine{sigma / square, alpha / std::sqrt(square)}
           : from == prediction::score ? affine{0, -sigma}
                                       : affine{1 / (alpha + sigma), alpha / (alpha + sigma)};
}

/// As `conversion`; infinite or NaN where that throws.
inline affine conversion_of(prediction from, prediction to, double alpha, double sigma) noexcept {
    if (from == to) {
        return {0, 1};
    }
    const affine eps = to == prediction::x0 ? affine{0, 0} : as_epsilon(from, alpha, sigma);
    if (to == prediction::epsilon) {
        return eps;
    }
    if (to == prediction::score) {
        return {-eps.xt / sigma, -eps.value / sigma};
    }
    const affine x0 = as_x0(from, alpha, sigma);
    if (to == prediction::v) {
        const double length = std::sqrt(alpha * alpha + sigma * sigma);
        return {(alpha * eps.xt - sigma * x0.xt) / length, (alpha * eps.value - sigma * x0.value) / length};
    }
    return to == prediction::flow ? affine{eps.xt - x0.xt, eps.value - x0.value} : x0;
}

}  // namespace detail

/// The coefficients that compute the quantity `to` from x_t and the quantity `from` at a noise level (α, σ).
/// @throws value_error where `to` is not determined: from ε or the score to x0, v or flow at α = 0; from x0 to any
/// other, or from any other to the score, at σ = 0
/// @accuracy each at most 8 roundings (2⁻⁵³) of it; that of x_t from v to flow or from flow to v, where α and σ nearly
/// cancel, 8 of (α + σ)/(α² + σ²)
/// @source Salimans and Ho 2022, arXiv 2202.00512, appendix D
template <std::floating_point Real>
[[nodiscard]] affine conversion(prediction from, prediction to, const noise_level<Real>& level) {
    const double alpha = static_cast<double>(level.signal);
    const double sigma = static_cast<double>(level.sigma);
    const bool from_noise = from == prediction::epsilon || from == prediction::score;
    const bool to_signal = to == prediction::x0 || to == prediction::v || to == prediction::flow;
    if (from_noise && to_signal && alpha == 0) {
        throw value_error("conversion",
                          detail::text("no ", name_of(to), " from ", name_of(from), " where alpha_bar is 0"));
    }
    if (from != to && (from == prediction::x0 || to == prediction::score) && sigma == 0) {
        throw value_error("conversion",
                          detail::text("no ", name_of(to), " from ", name_of(from), " where alpha_bar is 1"));
    }
    return detail::conversion_of(from, to, alpha, sigma);
}

/// The factor by which an error of the quantity `from` becomes one of x_0 or ε, with the same x_t: the coefficient of
/// `from` in `conversion`; ±∞ where that throws.
/// @throws value_error unless `to` is x_0 or ε
/// @accuracy at most 8 roundings (2⁻⁵³) of it
/// @source Salimans and Ho 2022, arXiv 2202.00512, appendix D
template <std::floating_point Real>
[[nodiscard]] double error_factor(prediction from, prediction to, const noise_level<Real>& level) {
    if (to != prediction::x0 && to != prediction::epsilon) {
        throw value_error("error_factor", "error", "of x0 or epsilon", name_of(to));
    }
    return detail::conversion_of(from, to, static_cast<double>(level.signal), static_cast<double>(level.sigma)).value;
}

/// Converts a prediction from one kind to another, given x_t.
/// @shape xt, value and out D × N; t one per sample or one for all; out may be xt or value
/// @units t is 0-based, or the time u of a continuous schedule
/// @throws shape_error if the shapes differ; value_error unless the schedule is defined at all t; as `conversion`
/// @accuracy at most 3 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of |a x_t| + |b value|, a and b from `conversion`
/// @source Salimans and Ho 2022, arXiv 2202.00512, appendix D
template <NoiseProcess Schedule, BatchLike X, BatchLike V>
void convert(const Schedule& schedule, prediction from, prediction to, const X& xt,
             const per_sample<time_type<Schedule>>& t, const V& value, batch_view<scalar_of<X>> out) {
    using S = scalar_of<X>;
    const detail::readable x(xt);
    const detail::readable y(value);
    detail::require_same_shape("convert", "value has the shape of xt", x.view(), y.view());
    detail::require_same_shape("convert", "out has the shape of xt", x.view(), out);
    t.require_columns("convert", out.columns());
    for (isize n = 0; n < out.columns(); ++n) {
        static_cast<void>(conversion(from, to, noise_level_at(schedule, t[n])));
    }
    const auto factors_of = [&](isize n) {
        const affine c = conversion(from, to, noise_level_at(schedule, t[n]));
        return std::array{static_cast<S>(c.xt), static_cast<S>(c.value)};
    };
    kernels::linear_combination({x.view(), y.view()}, factors_of, out);
}

/// As above, returned.
template <NoiseProcess Schedule, BatchLike X, BatchLike V>
[[nodiscard]] batch<scalar_of<X>> convert(const Schedule& schedule, prediction from, prediction to, const X& xt,
                                          const per_sample<time_type<Schedule>>& t, const V& value) {
    const detail::readable x(xt);
    batch<scalar_of<X>> out(x.view().rows(), x.view().columns());
    convert(schedule, from, to, x.view(), t, value, out);
    return out;
}

}  // namespace ddpm
