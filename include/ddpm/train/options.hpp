// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
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

namespace ddpm {

struct trainer_options {
    isize batch = 128;       ///< samples of a step
    isize micro_batch = 0;   ///< how many of them go through the network at a time, to save memory; 0: all
    bool recompute = false;  ///< also to save memory: the network keeps less and computes it again, where it can
    double learning_rate = 1e-3;
    learning_rate_schedule rate_schedule{};
    adam_options adam{};
    ema_options ema{};
    double largest_gradient_norm = 1;  ///< gradients of a larger norm are shortened to it; 0: never
    std::optional<prediction>
        predicts{};  ///< what the network learns to predict; by default what it says it does, else ε
    ddpm::time_sampling time_sampling{};  ///< how the times of a batch are drawn
    std::optional<time_range> times{};    ///< from which times of a continuous schedule; by default all it has
    double self_conditioning =
        0;                    ///< how often a step gives the network its own estimate of x_0, from a first pass, in the
                              ///< last channels of its maps; else these are 0. Usually ½
    double offset_noise = 0;  ///< how much of one normal per sample and channel is added to the noise of all its pixels
    std::uint64_t seed = 0;   ///< of the order of samples, the times and the noise
};

struct fit_options {
    isize steps = 1000;           ///< how many more
    condition_dropout dropout{};  ///< of what the network is told beside the samples
    training_callback progress{};
};

enum class fit_status {
    finished,
    stopped,    ///< by the callback
    non_finite  ///< the loss, the gradient or what the step would have made of them was not finite: it was not made
};

struct fit_result {
    fit_status status;
    isize step;   ///< steps made since the beginning; after non_finite also the 0-based step that failed
    double loss;  ///< of the last step, the failed one included; NaN if there was none
};

namespace detail {

/// @throws value_error unless the options that the trainer itself reads are in their domain, as the scalar S has them
template <Scalar S>
void require_valid(const trainer_options& options) {
    const auto require = [](bool holds, const char* what, const char* expected, text_part got) {
        if (!holds) {
            throw value_error("trainer", what, expected, got);
        }
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

/// @throws value_error unless `steps` more can be made after those that were, up to the last
inline void require_steps(isize steps, isize made, isize last) {
    if (steps < 0) {
        throw value_error("trainer::fit", "steps", ">= 0", steps);
    }
    if (steps > 0 && steps > last - made) {
        throw value_error("trainer::fit", "steps since the beginning (fewer than 2^32, in at most 2^32 epochs)",
                          text("<= ", last), text(made, " + ", steps));
    }
}

}  // namespace detail

}  // namespace ddpm
