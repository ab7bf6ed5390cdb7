// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/scheduler_plans.hpp>
#include <ddpm/diffusers/scheduler_classes.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/alpha_bar_curve.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/zero_terminal_snr.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <vector>

namespace ddpm::diffusers {

namespace detail {

/// The β of a scheduler before any rescaling, in float rounded as torch rounds them.
struct scheduler_beta {
    const scheduler_config& config;

    template <std::floating_point Real = double>
    [[nodiscard]] Real operator()(isize t, isize steps) const {
        if (!config.trained_betas.empty()) {
            return static_cast<Real>(config.trained_betas.at(static_cast<std::size_t>(t)));
        }
        switch (config.curve) {
            case beta_curve::linear:
                break;
            case beta_curve::scaled_linear:
                return scaled_linear_beta{config.beta_start, config.beta_end}.operator()<Real>(t, steps);
            case beta_curve::squaredcos_cap_v2:
                return static_cast<Real>(cosine_beta{}(t, steps));
            case beta_curve::sigmoid:
                return sigmoid_beta{config.beta_start, config.beta_end}.operator()<Real>(t, steps);
            case beta_curve::laplace:
                return static_cast<Real>(alpha_bar_beta{laplace_alpha_bar{}}(t, steps));
            case beta_curve::exp:
                return static_cast<Real>(alpha_bar_beta{exponential_alpha_bar{}}(t, steps));
        }
        return linear_beta{config.beta_start, config.beta_end}.operator()<Real>(t, steps);
    }
};

/// The clipping or thresholding of x_0 by diffusers.
[[nodiscard]] inline denoise_options denoise_options_of(const scheduler_config& config) {
    const scheduler_class& known = class_of(config.kind);
    denoise_options options;
    const bool predicts_x0 = config.predict_x0 || !known.has_key("predict_x0");
    if (known.limits_x0 && known.has_key("thresholding") && config.threshold && predicts_x0) {
        options.threshold = dynamic_threshold{config.threshold_ratio, config.threshold_max};
    } else if (known.limits_x0 && config.clip && (known.has_key("clip_sample") || known.has_key("clip_denoised"))) {
        options.clip_x0 = config.clip_range;
    }
    options.clip_epsilon = known.clips_epsilon;
    return options;
}

}  // namespace detail

/// The noise schedule of a scheduler: in double, or with float32_tables rounded as torch does.
/// @throws value_error if trained β are not T numbers, or a β or ᾱ is outside its domain
/// @accuracy with float32_tables β has the bits of diffusers, for sigmoid within 3e-7, and rescaled to zero SNR 1e-6;
/// in double within 2e-4 of it and 1e-7
template <TablePolicy Tables = exact_tables>
[[nodiscard]] noise_schedule<Tables> make_schedule(const scheduler_config& config) {
    if (!config.trained_betas.empty() && static_cast<isize>(config.trained_betas.size()) != config.train_timesteps) {
        throw value_error("make_schedule", "number of trained betas", config.train_timesteps,
                          config.trained_betas.size());
    }
    const detail::scheduler_beta beta{config};
    const isize steps = config.train_timesteps;
    return config.zero_terminal_snr
               ? noise_schedule<Tables>(zero_terminal_snr<typename Tables::real>(beta, steps), steps)
               : noise_schedule<Tables>(beta, steps);
}

/// The timesteps of a run of `count` steps, the noisiest first, for schedulers whose steps go from timestep to
/// timestep.
/// @units timesteps are 0-based
/// @throws value_error unless 1 ≤ count ≤ T, or if a timestep with its offset is above T − 1
/// @accuracy exact: diffusers' timesteps
[[nodiscard]] inline std::vector<isize> scheduler_timesteps(const scheduler_config& config, isize count) {
    return detail::class_of(config.kind).timesteps(config, count);
}

/// The steps of a DDPMScheduler, DDIMScheduler or UnCLIPScheduler of diffusers over falling timesteps. They differ from
/// `ancestral` and `ddim`: DDPM draws noise in every step from t > 0, also in the last one; a DDIM step goes back by
/// ⌊T/n⌋ from each timestep, whatever the next timestep is. Learned variances are read from the network's head. For
/// other classes use `make_scheduler_run`. Differences from diffusers: `scheduler_departures`.
/// @units timesteps are 0-based
/// @throws value_error for other classes, unless the timesteps fall strictly within 0 … T − 1 and 0 ≤ η ≤ 1
/// @accuracy Σ|x| at the end of diffusers' test loops within 2e-5, with float32_tables and in float
template <NoiseSchedule Schedule>
[[nodiscard]] sampling_plan scheduler_plan(const scheduler_config& config, const Schedule& schedule,
                                           std::span<const isize> timesteps, double eta = 0) {
    if (!(eta >= 0 && eta <= 1)) {
        throw value_error("scheduler_plan", "eta", "0 <= eta <= 1", eta);
    }
    const detail::scheduler_class& known = detail::class_of(config.kind);
    const bool is_ddim = known.steps == detail::scheduler_steps::ddim;
    const bool is_unclip = known.steps == detail::scheduler_steps::unclip;
    if (!is_ddim && !is_unclip && known.steps != detail::scheduler_steps::ddpm) {
        throw value_error("scheduler_plan", "class", "DDPMScheduler, DDIMScheduler or UnCLIPScheduler", known.name);
    }
    const auto steps = static_cast<isize>(timesteps.size());
    sampling_plan plan(make_grid(schedule, timesteps));
    for (isize k = 0; k < steps; ++k) {
        const isize t = timesteps[static_cast<std::size_t>(k)];
        if (is_ddim) {
            detail::add_ddim_step(plan, config, schedule, eta, k, plan.grid()[k], t, t - schedule.steps() / steps);
        } else {
            const isize s = k + 1 < steps ? timesteps[static_cast<std::size_t>(k + 1)] : clean;
            detail::add_ddpm_step(plan, config, schedule, is_unclip, k, t, s);
        }
    }
    return plan;
}

/// The options of `sample(plan, …)` for a scheduler_plan, which has the timesteps: how x_0 is clipped.
[[nodiscard]] inline sample_options scheduler_options(const scheduler_config& config) {
    const denoise_options denoise = detail::denoise_options_of(config);
    sample_options options;
    options.clip_x0 = denoise.clip_x0;
    options.clip_epsilon = denoise.clip_epsilon;
    options.threshold = denoise.threshold;
    return options;
}

/// The options of `sample(sampler, schedule, …)`, for a sampler of the library in place of the scheduler's steps: as
/// above, with the timesteps of `steps` steps (0: all). `sample(plan, …)` refuses them.
/// @throws value_error as scheduler_timesteps
[[nodiscard]] inline sample_options scheduler_options(const scheduler_config& config, isize steps) {
    sample_options options = scheduler_options(config);
    options.steps = steps == 0 ? config.train_timesteps : steps;
    options.timesteps = scheduler_timesteps(config, options.steps);
    return options;
}

}  // namespace ddpm::diffusers
