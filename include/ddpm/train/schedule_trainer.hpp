// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/parameters.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/train/adam.hpp>
#include <ddpm/train/gradient_norm.hpp>
#include <ddpm/train/learned_schedule.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace ddpm {

/// What a schedule_trainer does in each step.
struct schedule_trainer_options {
    isize times = 64;             ///< per step, evenly spaced with a random offset
    double learning_rate = 1e-2;  ///< of Adam
    adam_options adam{};          ///< the constants of the optimizer
    std::uint64_t seed = 0;       ///< of the offsets
};

/// Trains a noise schedule γ(u). The continuous-time diffusion loss is ∫ f(γ) dγ with f(γ) = ½ E‖ε − ε̂‖². With fixed
/// ends it does not depend on the schedule, but the variance of its estimate γ′(u) f(γ(u)) at a random u does. This
/// minimizes E_u[(γ′(u) f(γ(u)))²], with the gradient through γ′ and f. At the minimum γ′ f is constant, the loss
/// itself. f is any callable that returns a curve_point at γ, such as a `loss_curve` that is updated between the steps.
/// To include the variance of single losses, let f be their root mean square.
/// @determinism a step depends on its number, the curve and f; the same bits for every thread count
/// @source Kingma et al. 2021, arXiv 2107.00630, section 5.2 and appendix I.2, where f is the loss of the
/// batch
template <MonotoneCurve Curve>
class schedule_trainer {
public:
    /// `gamma` is trained in place and must outlive the trainer. Use a `fixed_ends`, so that the ends do not change.
    /// @throws value_error unless times ≥ 1 and learning_rate ≥ 0; as adam and its require_learning_rate
    explicit schedule_trainer(Curve& gamma, const schedule_trainer_options& options = {})
        : gamma_(&gamma),
          options_(options),
          noise_(options.seed, noise_stream::timestep),
          gradient_(nn::zeros_like(gamma)),
          parameters_(nn::parameters(gamma)),
          gradients_(nn::parameters(gradient_)),
          norm_(std::span(std::as_const(gradients_))),
          adam_(std::span(std::as_const(gradients_)), options.adam) {
        detail::require(options.times >= 1 && options.learning_rate >= 0, "schedule_trainer", "options",
                        {"times >= 1, learning_rate >= 0"}, {options.times, ", ", options.learning_rate});
        adam_.require_learning_rate("schedule_trainer", options.learning_rate);
    }

    schedule_trainer(const schedule_trainer&) = delete;
    schedule_trainer& operator=(const schedule_trainer&) = delete;

    /// One optimizer step; returns the mean of (γ′ f)² before it. If this, the gradient or a new parameter is not
    /// finite, nothing changes and the result is NaN or infinity.
    /// @throws value_error at the 2³²-th step
    /// @accuracy the mean, from γ′ and f: at most options.times + 4 roundings (2⁻⁵³) of it; the step as `adam`
    template <class F>
        requires requires(const F& f, double gamma) {
            { f(gamma) } -> std::same_as<curve_point>;
        }
    [[nodiscard]] double step(const F& f) {
        for (const auto& g : gradients_) {
            std::fill(g.values.begin(), g.values.end(), typename Curve::scalar{0});
        }
        const double times = static_cast<double>(options_.times);
        const double offset = static_cast<double>(noise_.bits(0, steps_, 0)) * 0x1p-32;
        double mean = 0;
        for (isize n = 0; n < options_.times; ++n) {
            const double u = (static_cast<double>(n) + offset) / times;
            const curve_point gamma = (*gamma_)(u), loss = f(gamma.value);
            const double rate = gamma.slope * loss.value;
            mean += rate * rate / times;
            gamma_->backward(u, 2 * rate * gamma.slope * loss.slope / times, 2 * rate * loss.value / times, gradient_);
        }
        if (!std::isfinite(mean)) {
            return mean;
        }
        if (!std::isfinite(norm_(gradients_)) ||
            adam_.first_not_finite(parameters_, gradients_, options_.learning_rate)) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        adam_.step(parameters_, gradients_, options_.learning_rate);
        ++steps_;
        return mean;
    }

    [[nodiscard]] isize steps() const noexcept { return steps_; }

    /// The schedule with the present γ.
    [[nodiscard]] learned_schedule<Curve> schedule() const { return learned_schedule<Curve>(*gamma_); }

private:
    Curve* gamma_;
    schedule_trainer_options options_;
    philox_noise noise_;
    Curve gradient_;
    std::vector<nn::parameter<typename Curve::scalar>> parameters_, gradients_;
    gradient_norm<typename Curve::scalar> norm_;
    adam<typename Curve::scalar> adam_;
    isize steps_ = 0;
};

}  // namespace ddpm
