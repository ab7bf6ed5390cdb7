// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/products.hpp>
#include <ddpm/process/parameterization.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>
#include <ddpm/train/adam.hpp>
#include <ddpm/train/ema.hpp>
#include <ddpm/train/learning_rate.hpp>
#include <ddpm/train/progress.hpp>
#include <ddpm/train/time_sampling.hpp>
#include <ddpm/train/training_data.hpp>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

namespace ddpm {

/// What a trainer does in each step: the batch, the optimizer, the average of the parameters, and the times and
/// estimates that the network is given.
struct trainer_options {
    isize batch = 128;       ///< samples per step
    isize micro_batch = 0;   ///< samples per forward and backward pass, fewer to save memory; 0: the whole batch
    bool recompute = false;  ///< saves memory: backward computes activations again, if the network supports it
    /// How the layers of a network of float compute products in a step, such as &nn::bfloat16_products; null: in the
    /// network's scalar. Parameters, optimizer, average and loss stay float; between steps the network computes in float.
    const nn::float_products* products = nullptr;
    double learning_rate = 1e-3;             ///< of Adam, before the factor of rate_schedule
    learning_rate_schedule rate_schedule{};  ///< how the learning rate changes with the step; default: it is constant
    adam_options adam{};                     ///< the constants of the optimizer
    ema_options ema{};                       ///< how the average of the parameters decays
    double largest_gradient_norm = 1;        ///< gradients are clipped to this norm; 0: no clipping
    std::optional<prediction> predicts{};    ///< what the network learns to predict; default: its own kind, or ε
    ddpm::time_sampling time_sampling{};     ///< how the times of a batch are drawn
    std::optional<time_range> times{};       ///< the times of a continuous schedule to train; default: all
    /// The probability of a step with self-conditioning, usually ½: a first pass estimates x_0, and the estimate is the
    /// last channels of the network's maps. In other steps these are 0.
    double self_conditioning = 0;
    double offset_noise = 0;  ///< factor of additional noise that is constant per sample and channel
    std::uint64_t seed = 0;   ///< of the order of samples, the times and the noise
};

/// One call of trainer::fit.
struct fit_options {
    isize steps = 1000;                           ///< number of steps to make
    ddpm::condition_dropout condition_dropout{};  ///< how often conditions are replaced by null values; default: never
    /// So many steps in succession may be skipped because the loss, the gradient or a new parameter is not finite: they
    /// change nothing, and the next batch follows. One more ends the fit.
    isize most_skipped = 0;
    training_callback progress{};  ///< called after each step; may stop the fit
};

/// Why trainer::fit returned.
enum class fit_status {
    finished,
    stopped,    ///< by the callback
    non_finite  ///< the loss, the gradient or a new parameter was not finite, and no more steps may be skipped
};

/// What trainer::fit has done.
struct fit_result {
    fit_status status;
    isize step;  ///< steps since the beginning, skipped ones too; after non_finite this is the 0-based step that failed
    double loss;  ///< of the last step, even if it failed; NaN without a step
    /// After non_finite: the name of the first tensor of the network that was not finite before the step; if all were,
    /// of the first whose gradient is not; if all are, of the first whose new value would not be. Empty if it is only the
    /// loss that is not finite, or the norm of all gradients.
    std::string tensor{};
    isize skipped = 0;  ///< steps of this fit that were skipped
};

namespace detail {

/// @throws value_error unless the options of the trainer itself are in their domain, also converted to S
template <Scalar S>
void require_valid(const trainer_options& options) {
    const auto require = [](bool holds, const char* what, const char* expected, text_part got) {
        detail::require(holds, "trainer", what, {expected}, {got});
    };
    const auto finite = [](double value) { return value >= 0 && std::isfinite(value); };
    require(options.batch >= 1 && options.batch < isize{1} << 32, "batch", ">= 1, < 2^32", options.batch);
    require(options.micro_batch >= 0, "micro_batch", ">= 0", options.micro_batch);
    require(finite(options.learning_rate), "learning_rate", "finite and >= 0", options.learning_rate);
    require(options.largest_gradient_norm >= 0, "largest_gradient_norm", ">= 0", options.largest_gradient_norm);
    require(finite(options.offset_noise), "offset_noise", "finite and >= 0", options.offset_noise);
    const double estimated = options.self_conditioning;
    require(estimated >= 0 && estimated <= 1, "self_conditioning", "in [0, 1]", estimated);
    require_in_scalar<S>("trainer", "offset_noise", options.offset_noise);
    if (std::isfinite(options.largest_gradient_norm)) {
        require_in_scalar<S>("trainer", "largest_gradient_norm", options.largest_gradient_norm);
    }
    ddpm::require_valid(options.rate_schedule);
}

/// @throws value_error unless options.steps ≥ 0 more steps after `made` are at most `last`, and options.most_skipped ≥ 0
inline void require_steps(const fit_options& options, isize made, isize last) {
    require(options.steps >= 0, "trainer::fit", "steps", {">= 0"}, {options.steps});
    require(options.steps == 0 || options.steps <= last - made, "trainer::fit",
            "steps since the beginning (fewer than 2^32, in at most 2^32 epochs)", {"<= ", last},
            {made, " + ", options.steps});
    require(options.most_skipped >= 0, "trainer::fit", "most_skipped", {">= 0"}, {options.most_skipped});
}

}  // namespace detail

}  // namespace ddpm
