// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/progress.hpp"

#include <ddpm/loss/concept.hpp>
#include <ddpm/loss/vlb.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/predictor/variance_head.hpp>
#include <ddpm/process/forward.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/train/time_sampler.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace examples {

/// The gradient of L_vlb with respect to a network's parameters, batch after batch, with timesteps by a sampler.
template <class Net, class Schedule>
class vlb_gradients {
public:
    using scalar = typename Net::scalar;
    static constexpr ddpm::isize count = 128;

    vlb_gradients(const Schedule& schedule, const Net& net, const ddpm::time_sampling& sampling, std::uint64_t seed)
        : schedule_(schedule),
          net_(net),
          seed_(seed),
          timesteps_(sampling, schedule, seed),
          workspace_(net.make_workspace(count, ddpm::pass::backward)),
          gradient_(ddpm::nn::zeros_like(net)) {}

    /// The gradient of the next batch, which the sampler learns from.
    const std::vector<ddpm::nn::parameter<scalar>>& next(const ddpm::batch<scalar>& data) {
        const ddpm::isize rows = data.rows();
        const ddpm::philox_noise choice(seed_, ddpm::noise_stream::order), noise(seed_, ddpm::noise_stream::training);
        ddpm::batch<scalar> x0(rows, count), eps(rows, count), xt(rows, count), both(2 * rows, count),
            predicted(rows, count), head(rows, count), d_predicted(rows, count), d_head(rows, count);
        std::vector<ddpm::isize> t;
        std::vector<double> times, weights, losses(count);
        for (ddpm::isize n = 0; n < count; ++n) {
            x0.col(n) = data.col(choice.below(data.cols(), n, step_));
            const auto drawn = timesteps_(step_, n, count);
            t.push_back(drawn.t);
            times.push_back(static_cast<double>(drawn.t));
            weights.push_back(drawn.weight);
        }
        using view = ddpm::batch_view<scalar>;
        ddpm::q_sample(schedule_, x0, t, ddpm::fresh_noise{noise, step_, 0}, view(eps), view(xt));
        net_.forward({xt, times}, both, workspace_);
        ddpm::split_variance_head<scalar>(both, 1, predicted, view(head));
        const ddpm::noised_batch<scalar> noised{x0, eps, xt, t, weights, losses};
        ddpm::vlb_loss{}(schedule_, ddpm::prediction::epsilon, noised, predicted, head, d_predicted, d_head);
        timesteps_.record(t, losses);
        ddpm::join_variance_head<scalar>(d_predicted, d_head, 1, view(both));
        parameters_ = ddpm::nn::parameters(gradient_);
        for (const auto& p : parameters_) {
            std::fill(p.values.begin(), p.values.end(), scalar{0});
        }
        net_.backward({xt, times}, both, workspace_, gradient_);
        ++step_;
        return parameters_;
    }

private:
    const Schedule& schedule_;
    const Net& net_;
    std::uint64_t seed_;
    ddpm::time_sampler<Schedule, scalar> timesteps_;
    typename Net::workspace workspace_;
    Net gradient_;
    std::vector<ddpm::nn::parameter<scalar>> parameters_;
    ddpm::isize step_ = 0;
};

/// The variance of the gradient, summed over all parameters, by `batches` batches after `warm_up` ones. Shows the
/// progress.
template <class Net, class Schedule>
double vlb_gradient_variance(const Schedule& schedule, const Net& net, const ddpm::batch<typename Net::scalar>& data,
                             const ddpm::time_sampling& sampling, std::uint64_t seed, int warm_up, int batches) {
    vlb_gradients<Net, Schedule> gradients(schedule, net, sampling, seed);
    loop_progress show(warm_up + batches);
    for (int i = 0; i < warm_up; ++i) {
        gradients.next(data);
        show();
    }
    std::vector<double> sum, squares;
    for (int i = 0; i < batches; ++i) {
        std::size_t at = 0;
        for (const auto& p : gradients.next(data)) {
            for (const auto value : p.values) {
                if (at == sum.size()) {
                    sum.push_back(0);
                    squares.push_back(0);
                }
                sum[at] += static_cast<double>(value);
                squares[at++] += static_cast<double>(value) * static_cast<double>(value);
            }
        }
        show();
    }
    double variance = 0;
    const double n = batches;
    for (std::size_t i = 0; i < sum.size(); ++i) {
        variance += (squares[i] - sum[i] * sum[i] / n) / (n - 1);
    }
    return variance;
}

/// With uniform timesteps, and with importance sampling that has learned from enough batches that each t has its
/// losses.
template <class Net, class Schedule>
std::pair<double, double> vlb_gradient_variances(const Schedule& schedule, const Net& net,
                                                 const ddpm::batch<typename Net::scalar>& data, std::uint64_t seed,
                                                 int batches) {
    const int warm_up = static_cast<int>(schedule.steps() * 40 / 128);
    return {vlb_gradient_variance(schedule, net, data, ddpm::uniform_times{}, seed, 0, batches),
            vlb_gradient_variance(schedule, net, data, ddpm::importance_times{}, seed, warm_up, batches)};
}

}  // namespace examples
