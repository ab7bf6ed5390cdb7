// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/loss/decoder.hpp>
#include <ddpm/loss/detail/decoder_chunk.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

namespace ddpm {

/// The coefficients of the variational bound's term for one reverse step from t to s.
/// @source Ho et al. 2020, arXiv 2006.11239, equation 5
struct bound_step {
    affine x0;               ///< computes x̂_0 from x_t and the prediction
    head_variance variance;  ///< of p(x_s|x_t)
    double mean_x0;          ///< the coefficient of x_0 in the mean of q(x_s|x_t, x_0), and of x̂_0 in that of p
    double log_variance;     ///< of q(x_s|x_t, x_0); not used in the last step
    double snr;              ///< ᾱ_t / (1 − ᾱ_t)
    bool decodes;            ///< whether this is the last step, to x_0
    double limit = std::numeric_limits<double>::infinity();  ///< x̂_0 is clamped to [−limit, limit]
};

/// The bound's step from t to s, for a network that predicts `kind`. If `noisier` is given, the timestep before t in a sub-sequence, the clipped variance of the
/// last step is β̃ of that sub-sequence, otherwise of the whole schedule.
/// @units t, s and noisier are 0-based, s = `clean` is x_0
/// @throws value_error unless −1 ≤ s < t < T, and t < noisier < T if it is given; where x_0 does not follow from the
/// prediction
/// @accuracy as conversion, posterior_at and head_variance_at
template <NoiseSchedule Schedule>
[[nodiscard]] bound_step bound_step_at(const Schedule& schedule, prediction kind, reverse_variance variance, isize t,
                                       isize s, isize noisier = clean) {
    const auto level = noise_level_at(schedule, t);
    const auto posterior = posterior_at(schedule, s, t);
    const double ratio = static_cast<double>(level.signal) / static_cast<double>(level.sigma);
    bound_step step{.x0 = conversion(kind, prediction::x0, level),
                    .variance = head_variance_at(schedule, variance, t, s),
                    .mean_x0 = static_cast<double>(posterior.x0),
                    .log_variance = s == clean ? 0 : std::log(static_cast<double>(posterior.variance)),
                    .snr = ratio * ratio,
                    .decodes = s == clean};
    if (s == clean && noisier != clean) {
        step.variance.log_small = std::log(static_cast<double>(posterior_at(schedule, t, noisier).variance));
        if (variance == reverse_variance::fixed_large) {
            step.variance.log_large = step.variance.log_small;
        }
    }
    return step;
}

/// The sums over a sample's elements, with their weights w.
struct bound_sums {
    double term = 0;  ///< Σ w KL(q(x_s|x_t, x_0) ‖ p(x_s|x_t)), or for the last step −Σ w ln p(x_0|x_t); nats
    double squared_error = 0;  ///< Σ w (x̂_0 − x_0)²
};

namespace detail {

/// One sample's columns of the batches. The head is null if the variance does not need it, a gradient if it is not
/// wanted, the element weights if they are 1.
template <Scalar S>
struct bound_column {
    const S* x0;
    const S* xt;
    const S* predicted;
    const S* head;
    S* d_predicted = nullptr;
    S* d_head = nullptr;
    const S* weight = nullptr;
    double scale = 0;  ///< factor of the gradients
};

/// The KL divergence of a chunk's elements: value, and derivatives with respect to x̂_0 and the logarithm of the
/// model's standard deviation, as for decoders. The means differ by mean_x0 · (x_0 − x̂_0).
inline void diverge(const bound_step& step, decoder_chunk& chunk) {
    double excess[decoder_chunk::size], ratio[decoder_chunk::size];
    for (isize i = 0; i < chunk.count; ++i) {
        excess[i] = step.log_variance - 2 * chunk.log_scale[i];
    }
    kernels::exp(chunk.count, excess, ratio);
    const double precision = step.mean_x0 * step.mean_x0 * std::exp(-step.log_variance);
    for (isize i = 0; i < chunk.count; ++i) {
        const double difference = chunk.mean[i] - chunk.x0[i];
        const double moment = ratio[i] * (1 + precision * difference * difference);
        chunk.value[i] = 0.5 * (moment - 1 - excess[i]);
        chunk.d_mean[i] = ratio[i] * precision * difference;
        chunk.d_log_scale[i] = 1 - moment;
    }
}

/// Some elements of a sample with non-zero weights, and their positions.
struct weighted_elements {
    isize count = 0;
    isize place[decoder_chunk::size];
    double weight[decoder_chunk::size];

    /// Takes as many elements as fit, starting at `next`, and returns the first one not processed. Elements of weight 0
    /// get a zero gradient and count as processed.
    template <Scalar S>
    isize take(const bound_column<S>& column, isize next, isize size) {
        for (count = 0; next < size && count < decoder_chunk::size; ++next) {
            if (column.weight[next] != 0) {
                place[count] = next;
                weight[count++] = static_cast<double>(column.weight[next]);
                continue;
            }
            for (S* const gradient : {column.d_predicted, column.d_head}) {
                if (gradient != nullptr) {
                    gradient[next] = 0;
                }
            }
        }
        return next;
    }
};

/// The term of a sample, with element weights if `Weights`.
template <bool Weights, Scalar S>
bound_sums bound_term_of(const bound_step& step, const any_decoder& decoder, isize size,
                         const bound_column<S>& column) {
    bound_sums sums;
    decoder_chunk chunk;
    weighted_elements some;
    double heads[decoder_chunk::size] = {};
    for (isize first = 0, next = 0; first < size; first = next) {
        if constexpr (Weights) {
            next = some.take(column, first, size);
            chunk.count = some.count;
        } else {
            chunk.count = std::min(chunk.size, size - first);
            next = first + chunk.count;
        }
        const auto place = [&](isize i) { return Weights ? some.place[i] : first + i; };
        const auto weight = [&](isize i) { return Weights ? some.weight[i] : 1; };
        for (isize i = 0; i < chunk.count; ++i) {
            const isize at = place(i);
            const double estimate = step.x0.xt * static_cast<double>(column.xt[at]) +
                                    step.x0.value * static_cast<double>(column.predicted[at]);
            chunk.x0[i] = static_cast<double>(column.x0[at]);
            chunk.mean[i] = std::clamp(estimate, -step.limit, step.limit);
            heads[i] = column.head == nullptr ? 0 : static_cast<double>(column.head[at]);
            chunk.log_scale[i] = 0.5 * step.variance.log_variance(heads[i]);
        }
        double sign = 1;
        if (step.decodes) {  // the mean of the last step is x̂_0
            decode(decoder, chunk);
            sign = -1;
        } else {
            diverge(step, chunk);
        }
        for (isize i = 0; i < chunk.count; ++i) {
            const double difference = chunk.mean[i] - chunk.x0[i];
            sums.term += weight(i) * (sign * chunk.value[i]);
            sums.squared_error += weight(i) * (difference * difference);
        }
        if (column.d_predicted != nullptr) {
            for (isize i = 0; i < chunk.count; ++i) {
                column.d_predicted[place(i)] =
                    static_cast<S>(weight(i) * (column.scale * sign * step.x0.value * chunk.d_mean[i]));
            }
        }
        if (column.d_head != nullptr) {
            for (isize i = 0; i < chunk.count; ++i) {
                const double slope = column.scale * sign * 0.5 * step.variance.slope(heads[i]) * chunk.d_log_scale[i];
                column.d_head[place(i)] = static_cast<S>(weight(i) * slope);
            }
        }
    }
    return sums;
}

/// The term of one sample, summed over its elements in double with their weights w; also `scale` times its gradient.
/// Elements of weight 0 are not read.
template <Scalar S>
bound_sums bound_term(const bound_step& step, const any_decoder& decoder, isize size, const bound_column<S>& column) {
    return column.weight == nullptr ? bound_term_of<false>(step, decoder, size, column)
                                    : bound_term_of<true>(step, decoder, size, column);
}

}  // namespace detail

/// The term of one sample for a step of the bound, and its squared error, with the weight 1 for every element: the sum of
/// the KL divergences KL(q(x_s|x_t, x_0) ‖ p(x_s|x_t)) of Gaussians, or for the last step −Σ ln p(x_0|x_t) by the decoder.
/// @param head the network's variance head, of no elements if the variance does not need it
/// @shape x0, xt and predicted D; head D or 0
/// @units nats
/// @throws shape_error if the sizes differ, or the step's variance needs a head and there is none
/// @accuracy in double, from the step's coefficients, whatever the scalar type
/// @source Ho et al. 2020, arXiv 2006.11239, equation 5
template <Scalar S>
[[nodiscard]] bound_sums bound_sums_of(const bound_step& step, const any_decoder& decoder, std::span<const S> x0,
                                       std::span<const S> xt, std::span<const S> predicted, std::span<const S> head) {
    const std::size_t heads = needs_head(step.variance.kind) ? x0.size() : 0;
    if (xt.size() != x0.size() || predicted.size() != x0.size() || (head.size() != heads && head.size() != x0.size())) {
        throw shape_error("bound_sums_of", "elements of xt, the prediction and the head",
                          detail::text(x0.size(), ", ", x0.size(), ", ", heads),
                          detail::text(xt.size(), ", ", predicted.size(), ", ", head.size()));
    }
    const detail::bound_column<S> column{
        .x0 = x0.data(), .xt = xt.data(), .predicted = predicted.data(), .head = head.empty() ? nullptr : head.data()};
    return detail::bound_term(step, decoder, static_cast<isize>(x0.size()), column);
}

}  // namespace ddpm
