// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/network_base.hpp>
#include <ddpm/core/network_input.hpp>
#include <ddpm/core/per_sample.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/loss/concept.hpp>
#include <ddpm/predictor/network.hpp>
#include <ddpm/predictor/variance_head.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/noise_process.hpp>

#include <array>
#include <cmath>

namespace ddpm::detail {

/// Forward pass, loss and backward pass for micro-batches of at most `samples` samples. A call allocates nothing.
template <Network Net, NoiseProcess Schedule, class Loss>
class batch_gradient {
public:
    using scalar = typename Net::scalar;

    /// @throws value_error if the loss needs a variance head that the network has not
    batch_gradient(const Net& net, isize samples, bool recompute)
        : has_head_(net.has_variance_head()),
          workspace_(net.make_workspace(samples, recompute ? pass::recompute : pass::backward)),
          predicted_(sample_shape(net.shape()).size(), samples),
          d_predicted_(predicted_.rows(), samples) {
        if (has_head_) {
            both_.resize(2 * predicted_.rows(), samples);
            if constexpr (VarianceLoss<Loss, Schedule, scalar>) {
                head_.resize(predicted_.rows(), samples);
                d_head_.resize(predicted_.rows(), samples);
            }
        } else if (!TrainingLoss<Loss, Schedule, scalar>) {
            throw value_error("trainer", "network", "one with a variance head, which the loss needs", "one without");
        }
    }

    /// Returns `share` times the loss of the samples; if it is finite, adds its gradient to `gradient`.
    double operator()(const Net& net, const Schedule& schedule, const Loss& loss, prediction kind,
                      const noised_batch<scalar, time_type<Schedule>>& noised, const network_input<scalar>& in,
                      double share, Net& gradient) {
        const isize count = in.samples(), channels = sample_shape(net.shape()).channels;
        const batch_view<scalar> predicted = part(predicted_, count), d_predicted = part(d_predicted_, count),
                                 head = part(head_, count), d_head = part(d_head_, count),
                                 output = has_head_ ? part(both_, count) : predicted;
        forward(net, in, output, predicted, head);
        const double value = share * differentiate(schedule, loss, kind, noised, predicted, head, d_predicted, d_head);
        if (!std::isfinite(value)) {
            return value;
        }
        if (share != 1) {
            scale(d_predicted, static_cast<scalar>(share));
            scale(d_head, static_cast<scalar>(share));
        }
        if (has_head_) {
            join_variance_head<scalar>(d_predicted, d_head, channels, output);
        }
        const batch_view<const scalar> d_output = has_head_ ? output : d_predicted;
        net.backward(in, d_output, workspace_, gradient, {});
        return value;
    }

    /// Writes the network's estimate of x_0; 0 where the prediction does not determine it. Computes no gradient.
    template <class Time>
    void estimate(const Net& net, const Schedule& schedule, prediction kind, const per_sample<Time>& t,
                  const network_input<scalar>& in, batch_view<scalar> x0) {
        const isize count = in.samples();
        const batch_view<scalar> predicted = part(predicted_, count);
        forward(net, in, has_head_ ? part(both_, count) : predicted, predicted, {});
        const auto factors_of = [&](isize n) {
            const auto level = noise_level_at(schedule, t[n]);
            const bool lost = level.signal == 0 && (kind == prediction::epsilon || kind == prediction::score);
            const affine c = lost ? affine{0, 0} : conversion(kind, prediction::x0, level);
            return std::array{static_cast<scalar>(c.xt), static_cast<scalar>(c.value)};
        };
        kernels::linear_combination<scalar>({in.xt, predicted}, factors_of, x0);
    }

private:
    static batch_view<scalar> part(batch<scalar>& of, isize count) {
        return of.size() == 0 ? batch_view<scalar>() : batch_view<scalar>(of).middle(0, count);
    }

    /// The forward pass; splits the output if the network has a variance head.
    void forward(const Net& net, const network_input<scalar>& in, batch_view<scalar> output,
                 batch_view<scalar> predicted, batch_view<scalar> head) {
        net.forward(in, output, workspace_);
        if (has_head_) {
            split_variance_head<scalar>(output, sample_shape(net.shape()).channels, predicted, head);
        }
    }

    /// The loss: with the variance head if both network and loss have one, otherwise of the prediction only.
    [[nodiscard]] double differentiate(const Schedule& schedule, const Loss& loss, prediction kind,
                                       const noised_batch<scalar, time_type<Schedule>>& noised,
                                       batch_view<const scalar> predicted,
                                       [[maybe_unused]] batch_view<const scalar> head, batch_view<scalar> d_predicted,
                                       [[maybe_unused]] batch_view<scalar> d_head) const {
        if constexpr (!TrainingLoss<Loss, Schedule, scalar>) {
            return loss(schedule, kind, noised, predicted, head, d_predicted, d_head);
        } else {
            if constexpr (VarianceLoss<Loss, Schedule, scalar>) {
                if (has_head_) {
                    return loss(schedule, kind, noised, predicted, head, d_predicted, d_head);
                }
            }
            return loss(schedule, kind, noised, predicted, d_predicted);
        }
    }

    static void scale(batch_view<scalar> x, scalar factor) {
        for (isize n = 0; n < x.columns(); ++n) {
            kernels::linear_combination(x.rows(), {factor}, {x.column(n)}, x.column(n));
        }
    }

    bool has_head_;
    typename Net::workspace workspace_;
    batch<scalar> predicted_, d_predicted_;
    batch<scalar> both_;           // with a head: the network's output, later its gradient
    batch<scalar> head_, d_head_;  // if the loss uses the head
};

}  // namespace ddpm::detail
