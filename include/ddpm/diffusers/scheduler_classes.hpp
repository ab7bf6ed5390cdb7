// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/config_limits.hpp>
#include <ddpm/diffusers/detail/scheduler_class.hpp>
#include <ddpm/diffusers/detail/scheduler_grids.hpp>
#include <ddpm/diffusers/detail/scheduler_plans.hpp>
#include <ddpm/diffusers/detail/scheduler_timesteps.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/predictor/preconditioned.hpp>
#include <ddpm/sampler/consistency.hpp>
#include <ddpm/sampler/deis.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/dpm_sde.hpp>
#include <ddpm/sampler/dpm_singlestep.hpp>
#include <ddpm/sampler/euler.hpp>
#include <ddpm/sampler/euler_ancestral.hpp>
#include <ddpm/sampler/heun.hpp>
#include <ddpm/sampler/kdpm2.hpp>
#include <ddpm/sampler/lcm.hpp>
#include <ddpm/sampler/lms.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/pndm.hpp>
#include <ddpm/sampler/predictor_corrector.hpp>
#include <ddpm/sampler/sa_solver.hpp>
#include <ddpm/sampler/tcd.hpp>
#include <ddpm/sampler/unipc.hpp>

#include <functional>
#include <string_view>

// The definitions of diffusers' scheduler classes. To add a class:
// 1. Add here an enumerator of scheduler_kind and a row of scheduler_classes: the class's name, its keys, its defaults
//    that differ from scheduler_config's, and its grid and plan. Omitted members have the values of most classes.
// 2. Add random configurations in tests/diffusers/scheduler_golden.py and run it with diffusers. It writes
//    scheduler_golden.json, with which the tests compare the defaults, the network's times, and the results.
// A new key needs a member of scheduler_config and a row of scheduler_keys. Differences from diffusers are listed in
// scheduler_departures.

namespace ddpm::diffusers {

// clang-format off
/// The names are in scheduler_classes.
enum class scheduler_kind : int {
    ddpm, ddim, ddpm_parallel, ddim_parallel, ddim_inverse, pndm,
    lms, euler, euler_ancestral, heun, kdpm2, kdpm2_ancestral, dpm_sde,
    dpm_multistep, dpm_inverse, dpm_singlestep, unipc, deis, sa_solver,
    ipndm, edm_euler, edm_dpm_multistep, cosine_dpm_multistep, lcm, tcd, consistency,
    flow_euler, flow_heun, score_sde_ve, repaint, unclip
};

// clang-format on

namespace detail {

// Groups of keys that several classes have.
inline constexpr std::string_view beta_keys = "num_train_timesteps beta_start beta_end trained_betas beta_schedule",
                                  clip_keys = "clip_sample clip_sample_range",
                                  threshold_keys = "thresholding dynamic_thresholding_ratio sample_max_value",
                                  spacing_keys = "timestep_spacing steps_offset",
                                  sigma_keys = "use_karras_sigmas use_exponential_sigmas use_beta_sigmas",
                                  range_keys = "sigma_min sigma_max", flow_keys = "use_flow_sigmas flow_shift",
                                  dynamic_keys = "use_dynamic_shifting time_shift_type",
                                  solver_keys = "solver_order solver_type lower_order_final",
                                  edm_keys =
                                      "num_train_timesteps sigma_data sigma_schedule rho prediction_type "
                                      "final_sigmas_type sigma_min sigma_max",
                                  distilled_keys = "original_inference_steps timestep_scaling";

// Defaults of several classes.
inline void linspace(scheduler_config& c) { c.spacing = timestep_spacing::linspace; }
inline void linspace_of_images(scheduler_config& c) {
    linspace(c), c.beta_start = 0.00085, c.beta_end = 0.012, c.clip = false;
}
inline void no_variance(scheduler_config& c) { linspace(c), c.variance = scheduler_variance::none; }
inline void distilled_model(scheduler_config& c) {
    linspace_of_images(c), c.spacing = timestep_spacing::leading, c.curve = beta_curve::scaled_linear;
}
inline void edm_range(scheduler_config& c) { c.sigma_min = 0.002, c.sigma_max = 80; }

// Samplers and networks of several classes.
[[nodiscard]] inline std::function<double(double)> time_of(const run_inputs& in) {
    return [table = in.table](double ratio) { return table->time_of(ratio); };
}

template <class Sampler>
sampling_plan plan_by(const run_inputs&, const time_grid& grid) {
    return Sampler{}.plan(grid);
}
[[nodiscard]] inline dpm_multistep multistep_of(const scheduler_config& c) {
    return {.order = c.solver_order,
            .algorithm = c.algorithm == scheduler_algorithm::dpmsolver          ? dpm_algorithm::dpmsolver
                         : c.algorithm == scheduler_algorithm::sde_dpmsolver    ? dpm_algorithm::sde_dpmsolver
                         : c.algorithm == scheduler_algorithm::sde_dpmsolver_pp ? dpm_algorithm::sde_dpmsolver_pp
                                                                                : dpm_algorithm::dpmsolver_pp,
            .solver_type = c.solver == scheduler_solver::heun ? dpm_solver_type::heun : dpm_solver_type::midpoint,
            .lower_order_final = c.lower_order_final,
            .euler_at_final = c.euler_at_final};
}
inline sampling_plan multistep_plan(const run_inputs& in, const time_grid& grid) {
    return multistep_of(in.config).plan(grid);
}
inline edm_preconditioning edm_network(const scheduler_config& c) {
    return {.sigma_data = c.sigma_data, .negative_out = c.predicts == prediction::v};
}

// clang-format off

/// One row for each enumerator of scheduler_kind.
inline constexpr scheduler_class scheduler_classes[]{
    {.kind = scheduler_kind::ddpm, .name = "DDPMScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, clip_keys, threshold_keys, spacing_keys,
              "prediction_type rescale_betas_zero_snr variance_type"},
     .curves = curve_names, .steps = scheduler_steps::ddpm},
    {.kind = scheduler_kind::ddim, .name = "DDIMScheduler", .pipeline = "DDIMPipeline",
     .keys = {beta_keys, clip_keys, threshold_keys, spacing_keys,
              "prediction_type rescale_betas_zero_snr set_alpha_to_one"},
     .steps = scheduler_steps::ddim},
    {.kind = scheduler_kind::ddpm_parallel, .name = "DDPMParallelScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, clip_keys, threshold_keys, spacing_keys,
              "prediction_type rescale_betas_zero_snr variance_type"},
     .curves = curve_names, .steps = scheduler_steps::ddpm},
    {.kind = scheduler_kind::ddim_parallel, .name = "DDIMParallelScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, clip_keys, threshold_keys, spacing_keys,
              "prediction_type rescale_betas_zero_snr set_alpha_to_one"},
     .steps = scheduler_steps::ddim},
    {.kind = scheduler_kind::ddim_inverse, .name = "DDIMInverseScheduler",
     .keys = {beta_keys, clip_keys, spacing_keys, "prediction_type rescale_betas_zero_snr set_alpha_to_one"},
     .spacings = value_names(spacing_names).first(2), .steps = scheduler_steps::ddim_inverse},
    {.kind = scheduler_kind::pndm, .name = "PNDMScheduler", .pipeline = "PNDMPipeline",
     .keys = {beta_keys, spacing_keys, "prediction_type set_alpha_to_one skip_prk_steps"},
     .set_defaults = [](scheduler_config& c) { c.end_at_clean = false; }, .predictions = epsilon_or_v_names,
     .grid = [](const run_inputs& in) {
         return timestep_grid(in, spaced_timesteps(in.config, in.steps), in.config.end_at_clean);
     },
     .plan = [](const run_inputs& in, const time_grid& grid) {
         return pndm{.skip_runge_kutta = in.config.skip_runge_kutta,
                     .average = in.config.predicts == prediction::v ? pndm::averaged::v : pndm::averaged::epsilon,
                     .level_of = *in.level_of}.plan(grid);
     }},
    {.kind = scheduler_kind::lms, .name = "LMSDiscreteScheduler",
     .keys = {beta_keys, spacing_keys, sigma_keys, "prediction_type"}, .set_defaults = linspace,
     .grid = [](const run_inputs& in) { return ratio_grid(in, {.karras_over_table = true}); },
     .plan = plan_by<ddpm::lms>, .deviation = ratio_deviation},
    {.kind = scheduler_kind::euler, .name = "EulerDiscreteScheduler", .pipeline = "ConsistencyModelPipeline",
     .keys = {beta_keys, spacing_keys, sigma_keys, range_keys,
              "prediction_type rescale_betas_zero_snr final_sigmas_type interpolation_type timestep_type"},
     .set_defaults = linspace, .predictions = euler_prediction_names, .grid = plain_ratio_grid,
     .plan = plan_by<ddpm::euler>, .deviation = ratio_deviation},
    {.kind = scheduler_kind::euler_ancestral, .name = "EulerAncestralDiscreteScheduler",
     .pipeline = "ConsistencyModelPipeline",
     .keys = {beta_keys, spacing_keys, "prediction_type rescale_betas_zero_snr"}, .set_defaults = linspace,
     .predictions = epsilon_or_v_names, .grid = plain_ratio_grid, .plan = plan_by<ddpm::euler_ancestral>,
     .deviation = ratio_deviation},
    {.kind = scheduler_kind::heun, .name = "HeunDiscreteScheduler",
     .keys = {beta_keys, spacing_keys, sigma_keys, clip_keys, "prediction_type"}, .set_defaults = linspace_of_images,
     .curves = heun_curve_names, .grid = plain_ratio_grid, .plan = plan_by<ddpm::heun>, .deviation = ratio_deviation,
     .clips_epsilon = true},
    {.kind = scheduler_kind::kdpm2, .name = "KDPM2DiscreteScheduler",
     .keys = {beta_keys, spacing_keys, sigma_keys, "prediction_type"}, .set_defaults = linspace_of_images,
     .predictions = epsilon_or_v_names,
     .grid = [](const run_inputs& in) { return ratio_grid(in, {.karras_rounds_times = true}); },
     .plan = [](const run_inputs& in, const time_grid& grid) { return kdpm2{.time_of = time_of(in)}.plan(grid); },
     .deviation = ratio_deviation},
    {.kind = scheduler_kind::kdpm2_ancestral, .name = "KDPM2AncestralDiscreteScheduler",
     .pipeline = "ConsistencyModelPipeline", .keys = {beta_keys, spacing_keys, sigma_keys, "prediction_type"},
     .set_defaults = linspace_of_images, .predictions = epsilon_or_v_names,
     .grid = [](const run_inputs& in) { return ratio_grid(in, {.karras_rounds_times = true}); },
     .plan = [](const run_inputs& in, const time_grid& grid) {
         return kdpm2{.eta = 1, .time_of = time_of(in)}.plan(grid);
     }, .deviation = ratio_deviation},
    {.kind = scheduler_kind::dpm_sde, .name = "DPMSolverSDEScheduler",
     .keys = {beta_keys, spacing_keys, sigma_keys, "prediction_type noise_sampler_seed"},
     .set_defaults = linspace_of_images, .predictions = epsilon_or_v_names,
     .grid = [](const run_inputs& in) { return ratio_grid(in, {.karras_over_table = true}); },
     .plan = [](const run_inputs& in, const time_grid& grid) { return dpm_sde{.time_of = time_of(in)}.plan(grid); },
     .deviation = ratio_deviation},
    {.kind = scheduler_kind::dpm_multistep, .name = "DPMSolverMultistepScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, spacing_keys, threshold_keys, solver_keys, sigma_keys, flow_keys, dynamic_keys,
              "prediction_type algorithm_type euler_at_final use_lu_lambdas final_sigmas_type lambda_min_clipped",
              "variance_type rescale_betas_zero_snr"},
     .set_defaults = no_variance, .predictions = prediction_names,
     .grid = [](const run_inputs& in) { return solver_grid(in, {.ends_at_table = true, .keeps_cosine_times = true}); },
     .plan = multistep_plan, .clips_epsilon = true},
    {.kind = scheduler_kind::dpm_inverse, .name = "DPMSolverMultistepInverseScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, spacing_keys, threshold_keys, solver_keys, sigma_keys, flow_keys,
              "prediction_type algorithm_type euler_at_final lambda_min_clipped variance_type"},
     .set_defaults = [](scheduler_config& c) { no_variance(c), c.final_sigma = grid_end::least_noise; },
     .predictions = prediction_names, .grid = [](const run_inputs& in) { return solver_grid(in, {.inverts = true}); },
     .plan = multistep_plan, .clips_epsilon = true},
    {.kind = scheduler_kind::dpm_singlestep, .name = "DPMSolverSinglestepScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, threshold_keys, solver_keys, sigma_keys, flow_keys, dynamic_keys,
              "prediction_type algorithm_type final_sigmas_type lambda_min_clipped variance_type"},
     .set_defaults = [](scheduler_config& c) { no_variance(c), c.lower_order_final = false; },
     .predictions = prediction_names, .algorithms = value_names(algorithm_names).first(4),
     .grid = [](const run_inputs& in) { return solver_grid(in, {.ends_at_table = true}); },
     .plan = [](const run_inputs& in, const time_grid& grid) {
         const dpm_multistep same = multistep_of(in.config);
         return dpm_singlestep{.order = same.order, .algorithm = same.algorithm, .solver_type = same.solver_type,
                               .lower_order_final = same.lower_order_final}.plan(grid);
     }, .clips_epsilon = true},
    {.kind = scheduler_kind::unipc, .name = "UniPCMultistepScheduler",
     .keys = {beta_keys, spacing_keys, threshold_keys, solver_keys, sigma_keys, range_keys, flow_keys, dynamic_keys,
              "prediction_type final_sigmas_type rescale_betas_zero_snr predict_x0 disable_corrector solver_p "
              "shift_terminal"},
     .set_defaults = [](scheduler_config& c) { linspace(c), c.solver = scheduler_solver::bh2; },
     .predictions = prediction_names, .solvers = unipc_solver_names, .most_order = config_limits::solver_order,
     .grid = [](const run_inputs& in) { return solver_grid(in, {.unipc_flow = true}); },
     .plan = [](const run_inputs& in, const time_grid& grid) {
         const scheduler_config& c = in.config;
         return unipc{.order = c.solver_order,
                      .variant = c.solver == scheduler_solver::bh1 ? unipc_variant::bh1 : unipc_variant::bh2,
                      .predict_x0 = c.predict_x0, .disable_corrector = c.disable_corrector,
                      .lower_order_final = c.lower_order_final}.plan(grid);
     }, .clips_epsilon = true},
    {.kind = scheduler_kind::deis, .name = "DEISMultistepScheduler",
     .keys = {beta_keys, spacing_keys, threshold_keys, solver_keys, sigma_keys, flow_keys, dynamic_keys,
              "prediction_type algorithm_type"},
     .set_defaults = [](scheduler_config& c) {
         linspace(c), c.final_sigma = grid_end::least_noise;
         c.algorithm = scheduler_algorithm::deis, c.solver = scheduler_solver::logrho;
     },
     .predictions = prediction_names, .algorithms = deis_algorithm_names, .solvers = deis_solver_names,
     .grid = plain_solver_grid,
     .plan = [](const run_inputs& in, const time_grid& grid) {
         return deis{.order = in.config.solver_order, .lower_order_final = in.config.lower_order_final}.plan(grid);
     }, .clips_epsilon = true},
    {.kind = scheduler_kind::sa_solver, .name = "SASolverScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, spacing_keys, threshold_keys, sigma_keys, flow_keys,
              "prediction_type algorithm_type lambda_min_clipped variance_type predictor_order corrector_order "
              "tau_func", "lower_order_final"},
     .set_defaults = [](scheduler_config& c) {
         no_variance(c), c.final_sigma = grid_end::least_noise, c.algorithm = scheduler_algorithm::data_prediction;
     },
     .predictions = prediction_names, .algorithms = sa_algorithm_names, .grid = plain_solver_grid,
     .plan = [](const run_inputs& in, const time_grid& grid) {
         const scheduler_config& c = in.config;
         return sa_solver{.predictor_order = c.predictor_order, .corrector_order = c.corrector_order,
                          .predict_x0 = c.algorithm != scheduler_algorithm::noise_prediction,
                          .lower_order_final = c.lower_order_final}.plan(grid);
     }, .clips_epsilon = true},
    {.kind = scheduler_kind::ipndm, .name = "IPNDMScheduler", .keys = {"num_train_timesteps trained_betas"},
     .grid = ipndm_grid, .plan = [](const run_inputs&, const time_grid& grid) { return ipndm_plan(grid); },
     .predicts = prediction::v},
    {.kind = scheduler_kind::edm_euler, .name = "EDMEulerScheduler", .pipeline = "ConsistencyModelPipeline",
     .keys = {edm_keys}, .set_defaults = edm_range, .predictions = epsilon_or_v_names,
     .grid = [](const run_inputs& in) { return edm_grid(in, false); }, .plan = plan_by<ddpm::euler>,
     .predicts = prediction::x0, .preconditioning = edm_network, .deviation = edm_deviation},
    {.kind = scheduler_kind::edm_dpm_multistep, .name = "EDMDPMSolverMultistepScheduler",
     .pipeline = "ConsistencyModelPipeline",
     .keys = {edm_keys, threshold_keys, solver_keys, "algorithm_type euler_at_final"}, .set_defaults = edm_range,
     .predictions = epsilon_or_v_names, .algorithms = edm_algorithm_names,
     .grid = [](const run_inputs& in) { return edm_grid(in, true); }, .plan = multistep_plan,
     .predicts = prediction::x0, .preconditioning = edm_network, .deviation = edm_deviation},
    {.kind = scheduler_kind::cosine_dpm_multistep, .name = "CosineDPMSolverMultistepScheduler",
     .pipeline = "ConsistencyModelPipeline", .keys = {edm_keys, solver_keys, "euler_at_final"},
     .set_defaults = [](scheduler_config& c) {
         c.sigma_min = 0.3, c.sigma_max = 500, c.sigma_data = 1, c.predicts = prediction::v;
         c.sigma_schedule = edm_sigma_schedule::exponential, c.algorithm = scheduler_algorithm::sde_dpmsolver_pp;
     }, .predictions = epsilon_or_v_names, .most_order = 2,
     .grid = [](const run_inputs& in) { return edm_grid(in, true); }, .plan = multistep_plan,
     .predicts = prediction::x0,
     .preconditioning = [](const scheduler_config& c) {
         edm_preconditioning network = edm_network(c);
         network.arctangent_time = true;
         return network;
     }, .deviation = edm_deviation},
    {.kind = scheduler_kind::lcm, .name = "LCMScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, clip_keys, threshold_keys, spacing_keys, distilled_keys,
              "prediction_type rescale_betas_zero_snr set_alpha_to_one"},
     .set_defaults = distilled_model, .grid = [](const run_inputs& in) { return distilled_grid(in, true); },
     .plan = [](const run_inputs& in, const time_grid& grid) {
         return lcm{.time_scale = in.config.timestep_scaling}.plan(grid);
     }},
    {.kind = scheduler_kind::tcd, .name = "TCDScheduler", .pipeline = "DDPMPipeline",
     .keys = {beta_keys, clip_keys, threshold_keys, spacing_keys, distilled_keys,
              "prediction_type rescale_betas_zero_snr set_alpha_to_one"},
     .set_defaults = distilled_model, .grid = [](const run_inputs& in) { return distilled_grid(in, false); },
     .plan = [](const run_inputs& in, const time_grid& grid) {
         return tcd{.gamma = in.options.eta.value_or(0.3), .level_of = *in.level_of}.plan(grid);
     }, .limits_x0 = false},
    {.kind = scheduler_kind::consistency, .name = "CMStochasticIterativeScheduler",
     .pipeline = "ConsistencyModelPipeline",
     .keys = {range_keys, "num_train_timesteps sigma_data rho s_noise clip_denoised"},
     .set_defaults = [](scheduler_config& c) { edm_range(c), c.train_timesteps = 40; }, .grid = consistency_grid,
     .plan = [](const run_inputs& in, const time_grid& grid) {
         return consistency{.sigma_min = in.config.sigma_min.value_or(0), .s_noise = in.config.s_noise}.plan(grid);
     }, .predicts = prediction::x0,
     .preconditioning = [](const scheduler_config& c) {
         return edm_preconditioning{
             .sigma_data = c.sigma_data, .sigma_min = c.sigma_min.value_or(0), .time_scale = 1000};
     }, .deviation = sigma_deviation},
    {.kind = scheduler_kind::flow_euler, .name = "FlowMatchEulerDiscreteScheduler", .pipeline = "DDPMPipeline",
     .keys = {dynamic_keys, sigma_keys,
              "num_train_timesteps shift shift_terminal base_shift max_shift base_image_seq_len max_image_seq_len "
              "invert_sigmas stochastic_sampling"},
     .grid = flow_grid,
     .plan = [](const run_inputs& in, const time_grid& grid) {
         // x ← α' x̂_0 + σ' z: that of a consistency model that is one down to σ = 0.
         return in.config.stochastic ? consistency{.sigma_min = 0}.plan(grid) : euler{}.plan(grid);
     }, .predicts = prediction::flow},
    {.kind = scheduler_kind::flow_heun, .name = "FlowMatchHeunDiscreteScheduler", .pipeline = "DDPMPipeline",
     .keys = {"num_train_timesteps shift"}, .grid = flow_grid,
     .plan = [](const run_inputs&, const time_grid& grid) {
         return heun{.coordinates = step_coordinates::path}.plan(grid);
     }, .predicts = prediction::flow},
    {.kind = scheduler_kind::score_sde_ve, .name = "ScoreSdeVeScheduler", .pipeline = "ScoreSdeVePipeline",
     .keys = {range_keys, "num_train_timesteps snr sampling_eps correct_steps"},
     .set_defaults = [](scheduler_config& c) { c.train_timesteps = 2000, c.sigma_min = 0.01, c.sigma_max = 1348; },
     .grid = exploding_grid, .plan = [](const run_inputs&, const time_grid& grid) { return sampling_plan(grid); },
     .predicts = prediction::score, .deviation = sigma_deviation,
     .corrector = [](const scheduler_config& c) {
         return predictor_corrector{.corrections = c.correct_steps, .signal_to_noise = c.snr, .batch_norms = true};
     }},
    {.kind = scheduler_kind::repaint, .name = "RePaintScheduler", .pipeline = "RePaintPipeline",
     .keys = {beta_keys, "eta clip_sample"}, .curves = value_names(curve_names).first(4),
     .steps = scheduler_steps::repaint},
    {.kind = scheduler_kind::unclip, .name = "UnCLIPScheduler", .pipeline = "DDPMPipeline",
     .keys = {clip_keys, "num_train_timesteps beta_schedule prediction_type variance_type"},
     .set_defaults = [](scheduler_config& c) {
         c.curve = beta_curve::squaredcos_cap_v2, c.variance = scheduler_variance::fixed_small_log;
     }, .curves = value_names(curve_names).subspan(2, 1), .predictions = value_names(prediction_names).first(2),
     .variances = unclip_variance_names, .timesteps = unclip_timesteps, .steps = scheduler_steps::unclip},
};

// clang-format on

/// @throws value_error if the kind is no enumerator
[[nodiscard]] inline const scheduler_class& class_of(scheduler_kind kind) {
    for (const scheduler_class& known : scheduler_classes) {
        if (known.kind == kind) {
            return known;
        }
    }
    throw value_error("scheduler", "kind", "one of scheduler_kind", static_cast<int>(kind));
}

}  // namespace detail

/// The config of a class with diffusers' defaults.
[[nodiscard]] inline scheduler_config default_scheduler_config(scheduler_kind kind) {
    scheduler_config config;
    config.kind = kind;
    detail::class_of(kind).set_defaults(config);
    return config;
}

}  // namespace ddpm::diffusers
