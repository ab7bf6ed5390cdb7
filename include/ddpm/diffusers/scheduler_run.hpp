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

/// All that a run needs besides a network and noise.
struct scheduler_run {
    sampling_plan plan;  ///< without evaluations, if `corrector` takes its place
    denoise_options denoise{};
    double initial_deviation = 1;                          ///< of x where the plan begins, for standard normals
    prediction predicts = prediction::epsilon;             ///< the network
    std::optional<edm_preconditioning> preconditioning{};  ///< of the network; the plan's times are then σ
    std::optional<predictor_corrector> corrector{};        ///< of ScoreSdeVeScheduler, over the plan's grid
};

namespace detail {

/// @throws value_error where diffusers' formulas belong to no process
inline void require_meaning(const scheduler_config& config) {
    if (config.flow_sigmas && config.predicts == prediction::v) {
        throw value_error("make_scheduler_run", "prediction_type with use_flow_sigmas",
                          "epsilon, sample or flow_prediction", "v_prediction");
    }
    if (!config.flow_sigmas && config.predicts == prediction::flow) {
        throw value_error("make_scheduler_run", "use_flow_sigmas with flow_prediction", true, false);
    }
}

/// @throws value_error if an estimate of x_0 is needed where x is noise alone, of which a prediction of ε says nothing
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

/// What a scheduler of diffusers does in `steps` steps: its timesteps, its σ and its sampler, where these differ from
/// this library's defaults too. Levels preserve the variance where diffusers' samples are scaled by scale_model_input,
/// so that x is what the network sees, but for EDM's and consistency models, whose levels are {1, σ}. Where diffusers'
/// steps are not taken: `scheduler_departures`.
/// @throws value_error if steps are less than 1 or more than the scheduler has, η or μ is outside its domain, σ of
/// different kinds are mixed, or ε is predicted where ᾱ is 0
/// @source diffusers 0.42.1
template <TablePolicy Tables = exact_tables>
[[nodiscard]] scheduler_run make_scheduler_run(const scheduler_config& config, isize steps,
                                               const scheduler_run_options& options = {}) {
    if (steps < 1) {
        throw value_error("make_scheduler_run", "number of steps", ">= 1", steps);
    }
    detail::require_meaning(config);
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

/// Denoises given samples as the run says, with the network as diffusers calls it.
/// @shape x D × N, in the scale of the plan's first level
/// @returns D × N; as denoise_from
/// @throws what the network, the noise or the callback throw
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
                               noise, first_sample, on_step);
    }
    return denoise_from<S>(run.plan, ddpm::predicts(network, run.predicts), std::move(x), noise, run.denoise, on_step,
                           first_sample);
}

/// Draws samples as a pipeline of diffusers does, with the network as diffusers calls it. Of the options, count, shape,
/// seed and first_sample are used.
/// @shape returns D × N with D = shape.size() and N = count
/// @throws shape_error if no shape is given and the network knows none, or another than the given one
/// @determinism as ddpm::sample
template <class Requested = void, class P, Scalar S = ddpm::detail::sample_scalar<Requested, P>>
    requires PredictorLike<P, S>
[[nodiscard]] batch<S> sample(const scheduler_run& run, P&& network, const sample_options& options = {},
                              const std::type_identity_t<step_callback<S>>& on_step = {}) {
    philox_noise noise(options.seed, noise_stream::sampler);
    batch<S> x(ddpm::detail::shape_to_sample(network, options).size(), options.count);
    noise.normal(batch_view<S>(x), 0, options.first_sample);
    x *= static_cast<S>(run.initial_deviation);
    return denoise_from<S>(run, network, std::move(x), noise, on_step, options.first_sample);
}

}  // namespace ddpm::diffusers
