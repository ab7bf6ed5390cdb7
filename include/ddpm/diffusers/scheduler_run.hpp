// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/diffusers/detail/scheduler_grids.hpp>
#include <ddpm/diffusers/detail/scheduler_plans.hpp>
#include <ddpm/diffusers/scheduler.hpp>
#include <ddpm/diffusers/scheduler_classes.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/predictor/preconditioned.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <optional>
#include <type_traits>
#include <utility>

namespace ddpm::diffusers {

/// The inputs of a run other than the network and the noise.
struct scheduler_run {
    sampling_plan plan;  ///< without evaluations if `corrector` is set
    denoise_options denoise{};
    double initial_deviation = 1;                          ///< the factor of the initial standard normals
    prediction predicts = prediction::epsilon;             ///< the kind of the network's prediction
    std::optional<edm_preconditioning> preconditioning{};  ///< of the network; the plan's times are then σ
    std::optional<predictor_corrector> corrector{};        ///< of ScoreSdeVeScheduler, over the plan's grid
};

namespace detail {

/// @throws value_error if the config replaces the σ of timesteps by several kinds of others
inline void require_one_kind_of_sigmas(const scheduler_config& config) {
    if (chooses_several_sigmas(config)) {
        throw value_error("make_scheduler_run", "kinds of sigmas",
                          "at most one of karras_sigmas, exponential_sigmas and beta_sigmas", "several");
    }
}

/// @throws value_error if the kind of prediction does not fit the kind of σ, for which diffusers' formulas are
/// meaningless
inline void require_matching_prediction(const scheduler_config& config) {
    if (config.flow_sigmas && config.predicts == prediction::v) {
        throw value_error("make_scheduler_run", "prediction_type with use_flow_sigmas",
                          "epsilon, sample or flow_prediction", "v_prediction");
    }
    if (!config.flow_sigmas && config.predicts == prediction::flow) {
        throw value_error("make_scheduler_run", "use_flow_sigmas with flow_prediction", true, false);
    }
}

/// @throws value_error if the network predicts ε and an evaluation is at ᾱ = 0, where ε does not determine x_0
inline void require_signal(const scheduler_run& run) {
    for (const stage& at : run.plan.stages()) {
        if (at.level.signal == 0 && run.predicts == prediction::epsilon) {
            throw value_error("make_scheduler_run",
                              ddpm::detail::text("prediction_type where the run meets alpha_bar = 0, at t = ", at.t,
                                                 ", as rescale_betas_zero_snr makes it"),
                              "v_prediction or sample", "epsilon");
        }
    }
}

template <TablePolicy Tables>
[[nodiscard]] sampling_plan plan_of(const scheduler_config& config, isize steps, const scheduler_run_options& options) {
    const scheduler_class& known = class_of(config.kind);
    run_inputs in{config, steps, options};
    if (!known.has_betas()) {
        return known.plan(in, known.grid(in));
    }
    const noise_schedule<Tables> schedule = make_schedule<Tables>(config);
    switch (known.steps) {
        case scheduler_steps::ddpm:
        case scheduler_steps::unclip:
        case scheduler_steps::ddim:
            return scheduler_plan(config, schedule, scheduler_timesteps(config, steps), options.eta.value_or(0));
        case scheduler_steps::ddim_inverse:
            return ddim_inverse_plan(config, schedule, steps);
        case scheduler_steps::repaint:
            return repaint_plan(config, schedule, steps, options);
        case scheduler_steps::sampler:
            break;
    }
    const sigma_table table(schedule);
    const level_function level_of(schedule);
    in.table = &table;
    in.level_of = &level_of;
    return known.plan(in, known.grid(in));
}

}  // namespace detail

/// The run of a scheduler of diffusers in `steps` steps: its timesteps, σ and sampler. Where diffusers scales the
/// network's input by scale_model_input, the noise levels here preserve the variance, so that x is the network's input;
/// for EDM's schedulers and consistency models they are {1, σ}. Differences from diffusers: `scheduler_departures`.
/// @throws value_error if steps is below 1 or above the scheduler's maximum, η or μ is outside its domain, several
/// kinds of σ are chosen, or ε is predicted at ᾱ = 0
/// @source diffusers 0.42.1
/// @accuracy in 200 random configurations with float32_tables the network's inputs and the ends, in double, are
/// diffusers' within 1e-4 of the largest value, the times within 5e-4, or 3e-4/s for a flow of shift s < 1
template <TablePolicy Tables = exact_tables>
[[nodiscard]] scheduler_run make_scheduler_run(const scheduler_config& config, isize steps,
                                               const scheduler_run_options& options = {}) {
    if (steps < 1) {
        throw value_error("make_scheduler_run", "number of steps", ">= 1", steps);
    }
    detail::require_one_kind_of_sigmas(config);
    detail::require_matching_prediction(config);
    const detail::scheduler_class& known = detail::class_of(config.kind);
    scheduler_run run{.plan = detail::plan_of<Tables>(config, steps, options),
                      .denoise = detail::denoise_options_of(config),
                      .predicts = known.predicts.value_or(config.predicts)};
    detail::require_signal(run);
    run.initial_deviation = known.deviation(config, run.plan.grid()[0].level);
    if (known.preconditioning != nullptr) {
        run.preconditioning = known.preconditioning(config);
    }
    if (known.corrector != nullptr) {
        run.corrector = known.corrector(config);
    }
    return run;
}

/// Denoises given samples by a run. The network has the inputs and outputs of the diffusers model.
/// @shape x D × N, at the plan's first noise level
/// @returns D × N; as ddpm::denoise_from
/// @throws what the network, the noise or the callback throw
/// @accuracy see make_scheduler_run
template <Scalar S, class P, NoiseSource<S> Noise>
    requires PredictorLike<P, S>
[[nodiscard]] batch<S> denoise_from(const scheduler_run& run, P&& network, batch<S> x, Noise&& noise,
                                    const std::type_identity_t<step_callback<S>>& on_step = {},
                                    isize first_sample = 0) {
    if (run.preconditioning) {
        return denoise_from<S>(run.plan, edm_preconditioned(network, *run.preconditioning), std::move(x), noise,
                               run.denoise, on_step, first_sample);
    }
    if (run.corrector) {
        return denoise_from<S>(*run.corrector, run.plan.grid(), ddpm::predicts(network, run.predicts), std::move(x),
                               noise, on_step, first_sample);
    }
    return denoise_from<S>(run.plan, ddpm::predicts(network, run.predicts), std::move(x), noise, run.denoise, on_step,
                           first_sample);
}

/// Draws samples as a pipeline of diffusers. The network has the inputs and outputs of the diffusers model. Of the options
/// count, shape, seed and first_sample may be set: the run has the others from the scheduler.
/// @shape returns D × N with D = shape.size() and N = count
/// @throws value_error if another option does not have its default value; shape_error if neither the options nor the
/// network have a shape, or their sizes differ
/// @determinism as ddpm::sample
/// @accuracy see make_scheduler_run
template <class Requested = void, class P, Scalar S = sample_scalar<Requested, P>>
    requires PredictorLike<P, S>
[[nodiscard]] batch<S> sample(const scheduler_run& run, P&& network, const sample_options& options = {},
                              const std::type_identity_t<step_callback<S>>& on_step = {}) {
    require_no_timesteps(options);
    if (options.clip_x0 || options.clip_epsilon || options.threshold) {
        throw value_error("sample", "options clip_x0, clip_epsilon and threshold",
                          "their default values, since the run has them from the scheduler", "others");
    }
    philox_noise noise(options.seed, noise_stream::sampler);
    batch<S> x = initial_samples<S>(network, options, noise, run.initial_deviation);
    return denoise_from<S>(run, network, std::move(x), noise, on_step, options.first_sample);
}

}  // namespace ddpm::diffusers
