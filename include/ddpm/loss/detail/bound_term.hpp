// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/loss/decoder.hpp>
#include <ddpm/loss/detail/decoder_chunk.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/schedule/concept.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace ddpm::detail {

/// What the term of one reverse step is computed with.
struct bound_step {
    affine x0;               ///< x̂_0 from x_t and the prediction
    head_variance variance;  ///< of p(x_s|x_t)
    double mean_x0;          ///< the factor of x_0 in the mean of q(x_s|x_t, x_0), of x̂_0 in that of p
    double log_variance;     ///< of q(x_s|x_t, x_0); not for the last step
    double snr;              ///< ᾱ_t / (1 − ᾱ_t)
    bool decodes;            ///< the last step, to x_0
    double limit = std::numeric_limits<double>::infinity();  ///< x̂_0 lies in [−limit, limit]
};

/// The step from t to s. In a sub-sequence that has `noisier` before t, the clipped variance of the last step is β̃ of
/// that sub-sequence; without, of the whole chain.
template <NoiseSchedule Schedule>
[[nodiscard]] bound_step bound_step_at(const Schedule& schedule, prediction kind, reverse_variance variance, isize t,
                                       isize s, isize noisier = clean) {
    const auto level = marginal_at(schedule, t);
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

/// One sample's part of the batches; the head is null where the variance needs none, a gradient where it is not wanted.
template <Scalar S>
struct bound_column {
    const S* x0;
    const S* xt;
    const S* predicted;
    const S* head;
    S* d_predicted = nullptr;
    S* d_head = nullptr;
    double scale = 0;  ///< of the gradients
};

struct bound_sums {
    double term = 0;           ///< Σ KL(q(x_s|x_t, x_0) ‖ p(x_s|x_t)), or for the last step −Σ ln p(x_0|x_t); nats
    double squared_error = 0;  ///< Σ (x̂_0 − x_0)²
};

/// The divergence of a chunk's elements as a loss: value, and derivatives with respect to x̂_0 and to the logarithm of
/// the model's deviation, which decoders take too. The means differ by mean_x0 · (x_0 − x̂_0).
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

/// The term of one sample, summed over its elements in double, and `scale` times its gradient.
template <Scalar S>
bound_sums bound_term(const bound_step& step, const any_decoder& decoder, isize size, const bound_column<S>& column) {
    bound_sums sums;
    decoder_chunk chunk;
    double heads[decoder_chunk::size] = {};
    for (isize first = 0; first < size; first += chunk.size) {
        chunk.count = std::min(chunk.size, size - first);
        for (isize i = 0; i < chunk.count; ++i) {
            const isize at = first + i;
            const double estimate = step.x0.xt * static_cast<double>(column.xt[at]) +
                                    step.x0.value * static_cast<double>(column.predicted[at]);
            chunk.x0[i] = static_cast<double>(column.x0[at]);
            chunk.mean[i] = std::clamp(estimate, -step.limit, step.limit);
            heads[i] = column.head == nullptr ? 0 : static_cast<double>(column.head[at]);
            chunk.log_scale[i] = 0.5 * step.variance.log_variance(heads[i]);
        }
        double sign = 1;
        if (step.decodes) {  // the last mean is x̂_0 itself
            decode(decoder, chunk);
            sign = -1;
        } else {
            diverge(step, chunk);
        }
        for (isize i = 0; i < chunk.count; ++i) {
            const double difference = chunk.mean[i] - chunk.x0[i];
            sums.term += sign * chunk.value[i];
            sums.squared_error += difference * difference;
        }
        if (column.d_predicted != nullptr) {
            for (isize i = 0; i < chunk.count; ++i) {
                column.d_predicted[first + i] = static_cast<S>(column.scale * sign * step.x0.value * chunk.d_mean[i]);
            }
        }
        if (column.d_head != nullptr) {
            for (isize i = 0; i < chunk.count; ++i) {
                column.d_head[first + i] =
                    static_cast<S>(column.scale * sign * 0.5 * step.variance.slope(heads[i]) * chunk.d_log_scale[i]);
            }
        }
    }
    return sums;
}

}  // namespace ddpm::detail
