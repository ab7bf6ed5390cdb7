// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/scheduler_grids.hpp>
#include <ddpm/diffusers/detail/scheduler_plans.hpp>
#include <ddpm/diffusers/detail/scheduler_samplers.hpp>
#include <ddpm/diffusers/scheduler.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/predictor/preconditioned.hpp>
#include <ddpm/predictor/predicts.hpp>
#include <ddpm/random/noise.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <cmath>
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

[[nodiscard]] inline std::optional<edm_preconditioning> preconditioning_of(const scheduler_config& config) {
    switch (config.kind) {
        case scheduler_kind::edm_euler:
        case scheduler_kind::edm_dpm_multistep:
        case scheduler_kind::cosine_dpm_multistep:
            return edm_preconditioning{.sigma_data = config.sigma_data,
                                       .negative_out = config.predicts == prediction::v,
                                       .arctangent_time = config.kind == scheduler_kind::cosine_dpm_multistep};
        case scheduler_kind::consistency:
            return edm_preconditioning{
                .sigma_data = config.sigma_data, .sigma_min = config.sigma_min.value_or(0), .time_scale = 1000};
        default:
            return std::nullopt;
    }
}

[[nodiscard]] inline prediction prediction_of(const scheduler_config& config) {
    switch (config.kind) {
        case scheduler_kind::ipndm:
            return prediction::v;
        case scheduler_kind::flow_euler:
        case scheduler_kind::flow_heun:
            return prediction::flow;
        case scheduler_kind::score_sde_ve:
            return prediction::score;
        default:
            return preconditioning_of(config) ? prediction::x0 : config.predicts;
    }
}

/// init_noise_sigma of diffusers, in the scale of the plan's x.
[[nodiscard]] inline double initial_deviation_of(const scheduler_config& config, const time_grid& grid) {
    const noise_level<double>& level = grid[0].level;
    if (is_ratio_kind(config.kind)) {
        return config.spacing == timestep_spacing::leading ? 1 : level.sigma;
    }
    switch (config.kind) {
        case scheduler_kind::edm_euler:
        case scheduler_kind::edm_dpm_multistep:
        case scheduler_kind::cosine_dpm_multistep:
            return std::hypot(level.sigma, 1);
        case scheduler_kind::consistency:
        case scheduler_kind::score_sde_ve:
            return level.sigma;
        default:
            return 1;
    }
}

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
    if (!has_schedule(config.kind)) {
        const time_grid grid = continuous_grid(config, steps, options);
        return config.kind == scheduler_kind::score_sde_ve ? sampling_plan(grid)
               : config.kind == scheduler_kind::ipndm      ? ipndm_plan(grid)
                                                           : continuous_sampler(config).plan(grid);
    }
    const noise_schedule<Tables> schedule = make_schedule<Tables>(config);
    switch (config.kind) {
        case scheduler_kind::ddpm:
        case scheduler_kind::ddpm_parallel:
        case scheduler_kind::unclip:
        case scheduler_kind::ddim:
        case scheduler_kind::ddim_parallel:
            return scheduler_plan(config, schedule, scheduler_timesteps(config, steps), options.eta.value_or(0));
        case scheduler_kind::ddim_inverse:
            return ddim_inverse_plan(config, schedule, steps);
        case scheduler_kind::repaint:
            return repaint_plan(config, schedule, steps, options);
        default:
            break;
    }
    const sigma_table table(schedule);
    const time_grid grid = is_ratio_kind(config.kind)    ? ratio_kind_grid(config, table, steps)
                           : is_solver_kind(config.kind) ? solver_kind_grid(config, table, steps, options)
                                                         : timestep_kind_grid(config, schedule, steps);
    return discrete_sampler(config, schedule, table, options).plan(grid);
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
    scheduler_run run{.plan = detail::plan_of<Tables>(config, steps, options),
                      .denoise = detail::denoise_options_of(config),
                      .predicts = detail::prediction_of(config),
                      .preconditioning = detail::preconditioning_of(config)};
    detail::require_signal(run);
    run.initial_deviation = detail::initial_deviation_of(config, run.plan.grid());
    if (config.kind == scheduler_kind::score_sde_ve) {
        run.corrector = predictor_corrector{
            .corrections = config.correct_steps, .signal_to_noise = config.snr, .batch_norms = true};
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
