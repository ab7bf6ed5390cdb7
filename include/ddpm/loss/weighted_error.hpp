// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/kernels/detail/squared_error.hpp>
#include <ddpm/loss/concept.hpp>

#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

namespace ddpm {

/// The weighted mean squared error of each sample: weight(n) / D · Σ (prediction − target)².
/// @shape predicted and target D × N; weight one per sample or one for all; errors N
/// @throws shape_error if the shapes differ, or D is 0
/// @accuracy at most 3 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of it, by the differences, and D + 4 of double
/// @determinism the same bits for every thread count; a sample's error does not depend on the others
/// @complexity one pass over memory
template <BatchLike P, BatchLike T>
void weighted_mse(const P& predicted, const T& target, const per_sample<double>& weight, std::span<double> errors) {
    using S = scalar_of<P>;
    const detail::readable p(predicted);
    const detail::readable y(target);
    detail::require_same_shape("weighted_mse", "target has the shape of the prediction", p.view(), y.view());
    weight.require_columns("weighted_mse", p.view().columns());
    if (static_cast<isize>(errors.size()) != p.view().columns()) {
        throw shape_error("weighted_mse", "one error per sample", p.view().columns(), errors.size());
    }
    if (p.view().rows() == 0) {
        throw shape_error("weighted_mse", "empty sample", "at least one element", 0);
    }
    const double per_element = 1 / static_cast<double>(p.view().rows());
    kernels::detail::column_squared_errors<S>(
        p.view(), y.view(), [&](isize n) { return per_element * weight[n]; }, errors.data());
}

namespace detail {

/// The coefficients of a target as a linear combination of x_0 and ε.
struct target_coefficients {
    double x0;
    double eps;
};

template <std::floating_point Real>
[[nodiscard]] target_coefficients target_of(prediction kind, const noise_level<Real>& level) {
    const double alpha = static_cast<double>(level.signal);
    const double sigma = static_cast<double>(level.sigma);
    switch (kind) {
        case prediction::epsilon:
            return {0, 1};
        case prediction::x0:
            return {1, 0};
        case prediction::v: {
            const double length = std::sqrt(alpha * alpha + sigma * sigma);
            return {-sigma / length, alpha / length};
        }
        case prediction::score:
            return {0, -1 / sigma};
        case prediction::flow:
            break;
    }
    return {-1, 1};
}

/// @throws shape_error unless the shapes match; value_error unless the schedule is defined at all t
template <NoiseProcess Schedule, Scalar S>
void require_noised_batch(std::string_view where, const Schedule& schedule,
                          const noised_batch<S, time_type<Schedule>>& noised, batch_view<const S> predicted,
                          batch_view<S> d_predicted) {
    require_noised_batch(where, noised, predicted, d_predicted);
    for (isize n = 0; n < predicted.columns(); ++n) {
        require_time(where, schedule, noised.t[n]);
    }
}

/// Where a kernel writes each sample's sum; null if it is not wanted.
template <Scalar S, class Time>
[[nodiscard]] double* losses_of(const noised_batch<S, Time>& noised) noexcept {
    return noised.losses.empty() ? nullptr : noised.losses.data();
}

/// Converts each sample's sum over D elements to its loss.
template <Scalar S, class Time, class Weight>
void scale_losses(const noised_batch<S, Time>& noised, isize rows, const Weight& weight) {
    for (std::size_t n = 0; n < noised.losses.size(); ++n) {
        noised.losses[n] *= weight(noised.t[static_cast<isize>(n)]) / static_cast<double>(rows);
    }
}

/// The mean over all elements of weight(t) · (prediction − target)², times the weights of samples and elements, and its
/// gradient with respect to the prediction. Losses of this form differ only in the weight, since the kinds of
/// prediction are affine functions of each other.
/// @complexity one pass over memory
/// @determinism the same bits for every thread count
template <NoiseProcess Schedule, Scalar S, class Weight>
double weighted_error(std::string_view where, const Schedule& schedule, prediction kind,
                      const noised_batch<S, time_type<Schedule>>& noised, batch_view<const S> predicted,
                      batch_view<S> d_predicted, const Weight& weight) {
    require_noised_batch(where, schedule, noised, predicted, d_predicted);
    const double per_element = 1 / static_cast<double>(predicted.size());
    const auto terms_of = [&](isize n) {
        const double w = weight(noised.t[n]) * noised.weight_of(n);
        const target_coefficients target = target_of(kind, noise_level_at(schedule, noised.t[n]));
        return kernels::detail::error_terms<S>{static_cast<S>(target.x0), static_cast<S>(target.eps), w,
                                               static_cast<S>(2 * w * per_element)};
    };
    const double sum = kernels::detail::squared_error(predicted, noised.x0, noised.eps, terms_of, d_predicted,
                                                      losses_of(noised), noised.element_weight);
    scale_losses(noised, predicted.rows(), weight);
    return per_element * sum;
}

}  // namespace detail

}  // namespace ddpm
