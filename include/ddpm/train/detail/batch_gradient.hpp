// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/loss/noised_batch.hpp>
#include <ddpm/nn/condition.hpp>
#include <ddpm/nn/network.hpp>
#include <ddpm/nn/variance_head.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/noise_process.hpp>
#include <ddpm/train/training_loss.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <span>

namespace ddpm::detail {

/// Which masks a network's dropout takes.
struct dropout_place {
    std::uint64_t seed;
    isize step;
    isize first_sample;
};

/// Sends batches of up to so many samples through a network, a loss, and back. Between calls nothing is allocated.
template <nn::Network Net, NoiseProcess Schedule, class Loss>
class batch_gradient {
public:
    using scalar = typename Net::scalar;

    /// @throws value_error if the loss needs a variance head that the network has not
    batch_gradient(const Net& net, isize samples, bool recompute)
        : has_head_(nn::has_variance_head(net)),
          workspace_(net.plan(samples)),
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
        if constexpr (requires { workspace_.recompute = true; }) {
            workspace_.recompute = recompute;
        }
    }

    /// `share` times the loss of the samples; where it is finite, that part of the gradient is added to `gradient`.
    double operator()(const Net& net, const Schedule& schedule, const Loss& loss, prediction kind,
                      const noised_batch<scalar, time_type<Schedule>>& noised, std::span<const double> times,
                      [[maybe_unused]] const nn::condition<scalar>& given, [[maybe_unused]] const dropout_place& drop,
                      double share, Net& gradient) {
        const isize count = noised.xt.columns();
        const auto part = [count](batch<scalar>& of) {
            return of.size() == 0 ? batch_view<scalar>() : batch_view<scalar>(of).middle(0, count);
        };
        const batch_view<scalar> predicted = part(predicted_), d_predicted = part(d_predicted_), head = part(head_),
                                 d_head = part(d_head_), output = has_head_ ? part(both_) : predicted;
        if constexpr (requires { workspace_.drop(drop.seed, drop.step, drop.first_sample); }) {
            workspace_.drop(drop.seed, drop.step, drop.first_sample);
        }
        if constexpr (nn::takes_condition<Net>) {
            net.forward(noised.xt, times, given, output, workspace_);
        } else {
            net.forward(noised.xt, times, output, workspace_);
        }
        const isize channels = sample_shape(net.shape()).channels;
        if (has_head_) {
            nn::split_variance_head<scalar>(output, channels, predicted, head);
        }
        const double value = share * differentiate(schedule, loss, kind, noised, predicted, head, d_predicted, d_head);
        if (!std::isfinite(value)) {
            return value;
        }
        if (share != 1) {
            scale(d_predicted, share);
            scale(d_head, share);
        }
        if (has_head_) {
            nn::join_variance_head<scalar>(d_predicted, d_head, channels, output);
        }
        const batch_view<const scalar> d_output = has_head_ ? output : d_predicted;
        if constexpr (nn::takes_condition<Net>) {
            net.backward(noised.xt, times, given, d_output, workspace_, gradient);
        } else {
            net.backward(noised.xt, times, d_output, workspace_, gradient);
        }
        return value;
    }

private:
    /// With a head the loss that knows of it is taken, where there is one; another trains the prediction alone.
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

    static void scale(batch_view<scalar> x, double factor) {
        if (x.size() != 0) {
            kernels::linear_combination<scalar>(
                {x}, [&](isize) { return std::array{static_cast<scalar>(factor)}; }, x);
        }
    }

    bool has_head_;
    typename Net::workspace workspace_;
    batch<scalar> predicted_, d_predicted_;
    batch<scalar> both_;            // the network's output, then its gradient, where it has a head
    batch<scalar> head_, d_head_;   // where the loss wants them
};

}  // namespace ddpm::detail
