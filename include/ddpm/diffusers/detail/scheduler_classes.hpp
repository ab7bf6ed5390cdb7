// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace ddpm::diffusers::detail {

/// A class of diffusers: its keys, and what their defaults are where they are not those of scheduler_config.
struct scheduler_class {
    scheduler_kind kind;
    std::string_view name;
    std::vector<std::string_view> keys;
    void (*set_defaults)(scheduler_config&) = [](scheduler_config&) {};
};

using key_list = std::vector<std::string_view>;

[[nodiscard]] inline key_list joined(std::initializer_list<key_list> groups) {
    key_list all;
    for (const key_list& group : groups) {
        all.insert(all.end(), group.begin(), group.end());
    }
    return all;
}

inline void latent_betas(scheduler_config& c) { c.beta_start = 0.00085, c.beta_end = 0.012; }

/// All classes. The keys of a class are read in their order.
[[nodiscard]] inline const std::vector<scheduler_class>& scheduler_classes() {
    using kind = scheduler_kind;
    static const key_list betas{"num_train_timesteps", "beta_start", "beta_end", "trained_betas", "beta_schedule"},
        model{"prediction_type"}, clip{"clip_sample", "clip_sample_range"},
        threshold{"thresholding", "dynamic_thresholding_ratio", "sample_max_value"},
        spacing{"timestep_spacing", "steps_offset"}, zero_snr{"rescale_betas_zero_snr"}, end{"set_alpha_to_one"},
        variance{"variance_type"}, sigmas{"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"},
        range{"sigma_min", "sigma_max"}, final_sigma{"final_sigmas_type"}, flow{"use_flow_sigmas", "flow_shift"},
        dynamic{"use_dynamic_shifting", "time_shift_type"}, clipped{"lambda_min_clipped"},
        solver{"solver_order", "solver_type", "lower_order_final"}, algorithm{"algorithm_type"},
        euler_end{"euler_at_final"},
        edm = joined({range, {"num_train_timesteps", "sigma_data", "sigma_schedule", "rho"}, model, final_sigma}),
        ddpm = joined({betas, model, clip, threshold, spacing, zero_snr, variance}),
        ddim = joined({betas, model, clip, threshold, spacing, zero_snr, end}), ratio = joined({betas, model, spacing}),
        ratio_sigmas = joined({ratio, sigmas}), dpm = joined({ratio, threshold, solver, algorithm, sigmas, flow}),
        distilled = joined({ddim, {"original_inference_steps", "timestep_scaling"}});
    static constexpr auto linspace = [](scheduler_config& c) { c.spacing = timestep_spacing::linspace; };
    static constexpr auto linspace_of_images = [](scheduler_config& c) {
        linspace(c), latent_betas(c), c.clip = false;
    };
    static constexpr auto no_variance = [](scheduler_config& c) { linspace(c), c.variance = scheduler_variance::none; };
    // Classes without the key never end at 0.
    static constexpr auto ends_at_noise = [](scheduler_config& c) { c.final_sigma = grid_end::least_noise; };
    static constexpr auto distilled_model = [](scheduler_config& c) {
        latent_betas(c), c.curve = beta_curve::scaled_linear, c.clip = false;
    };
    static constexpr auto edm_range = [](scheduler_config& c) { c.sigma_min = 0.002, c.sigma_max = 80; };
    // Never destroyed: it may be asked for while the process ends.
    static const std::vector<scheduler_class>& classes = *new const std::vector<scheduler_class>{
        {kind::ddpm, "DDPMScheduler", ddpm},
        {kind::ddim, "DDIMScheduler", ddim},
        {kind::ddpm_parallel, "DDPMParallelScheduler", ddpm},
        {kind::ddim_parallel, "DDIMParallelScheduler", ddim},
        {kind::ddim_inverse, "DDIMInverseScheduler", joined({betas, model, clip, spacing, zero_snr, end})},
        {kind::pndm, "PNDMScheduler", joined({ratio, end, {"skip_prk_steps"}}),
         [](scheduler_config& c) { c.end_at_clean = false; }},
        {kind::lms, "LMSDiscreteScheduler", ratio_sigmas, linspace},
        {kind::euler, "EulerDiscreteScheduler",
         joined({ratio_sigmas, range, zero_snr, final_sigma, {"interpolation_type", "timestep_type"}}), linspace},
        {kind::euler_ancestral, "EulerAncestralDiscreteScheduler", joined({ratio, zero_snr}), linspace},
        {kind::heun, "HeunDiscreteScheduler", joined({ratio_sigmas, clip}), linspace_of_images},
        {kind::kdpm2, "KDPM2DiscreteScheduler", ratio_sigmas, linspace_of_images},
        {kind::kdpm2_ancestral, "KDPM2AncestralDiscreteScheduler", ratio_sigmas, linspace_of_images},
        {kind::dpm_sde, "DPMSolverSDEScheduler", joined({ratio_sigmas, {"noise_sampler_seed"}}), linspace_of_images},
        {kind::dpm_multistep, "DPMSolverMultistepScheduler",
         joined({dpm, euler_end, {"use_lu_lambdas"}, final_sigma, clipped, variance, zero_snr, dynamic}), no_variance},
        {kind::dpm_inverse, "DPMSolverMultistepInverseScheduler", joined({dpm, euler_end, clipped, variance}),
         [](scheduler_config& c) { no_variance(c), ends_at_noise(c); }},
        {kind::dpm_singlestep, "DPMSolverSinglestepScheduler",
         joined({betas, model, threshold, solver, algorithm, sigmas, flow, final_sigma, clipped, variance, dynamic}),
         [](scheduler_config& c) { no_variance(c), c.lower_order_final = false; }},
        {kind::unipc, "UniPCMultistepScheduler",
         joined({ratio,
                 threshold,
                 solver,
                 sigmas,
                 range,
                 flow,
                 final_sigma,
                 zero_snr,
                 dynamic,
                 {"predict_x0", "disable_corrector", "solver_p", "shift_terminal"}}),
         [](scheduler_config& c) { linspace(c), c.solver = scheduler_solver::bh2; }},
        {kind::deis, "DEISMultistepScheduler", joined({dpm, dynamic}),
         [](scheduler_config& c) {
             linspace(c), ends_at_noise(c), c.algorithm = scheduler_algorithm::deis,
                                            c.solver = scheduler_solver::logrho;
         }},
        {kind::sa_solver, "SASolverScheduler",
         joined({ratio,
                 threshold,
                 algorithm,
                 sigmas,
                 flow,
                 clipped,
                 variance,
                 {"predictor_order", "corrector_order", "tau_func", "lower_order_final"}}),
         [](scheduler_config& c) {
             no_variance(c), ends_at_noise(c), c.algorithm = scheduler_algorithm::data_prediction;
         }},
        {kind::ipndm, "IPNDMScheduler", {"num_train_timesteps", "trained_betas"}},
        {kind::edm_euler, "EDMEulerScheduler", edm, edm_range},
        {kind::edm_dpm_multistep, "EDMDPMSolverMultistepScheduler",
         joined({edm, threshold, solver, algorithm, euler_end}), edm_range},
        {kind::cosine_dpm_multistep, "CosineDPMSolverMultistepScheduler", joined({edm, solver, euler_end}),
         [](scheduler_config& c) {
             c.sigma_min = 0.3, c.sigma_max = 500, c.sigma_data = 1, c.predicts = prediction::v;
             c.sigma_schedule = edm_sigma_schedule::exponential, c.algorithm = scheduler_algorithm::sde_dpmsolver_pp;
         }},
        {kind::lcm, "LCMScheduler", distilled, distilled_model},
        {kind::tcd, "TCDScheduler", distilled, distilled_model},
        {kind::consistency, "CMStochasticIterativeScheduler",
         joined({range, {"num_train_timesteps", "sigma_data", "rho", "s_noise", "clip_denoised"}}),
         [](scheduler_config& c) { edm_range(c), c.train_timesteps = 40; }},
        {kind::flow_euler, "FlowMatchEulerDiscreteScheduler",
         joined({{"num_train_timesteps", "shift", "shift_terminal", "base_shift", "max_shift", "base_image_seq_len",
                  "max_image_seq_len", "invert_sigmas", "stochastic_sampling"},
                 dynamic,
                 sigmas})},
        {kind::flow_heun, "FlowMatchHeunDiscreteScheduler", {"num_train_timesteps", "shift"}},
        {kind::score_sde_ve, "ScoreSdeVeScheduler",
         joined({range, {"num_train_timesteps", "snr", "sampling_eps", "correct_steps"}}),
         [](scheduler_config& c) { c.train_timesteps = 2000, c.sigma_min = 0.01, c.sigma_max = 1348; }},
        {kind::repaint, "RePaintScheduler", joined({betas, {"eta", "clip_sample"}})},
        {kind::unclip, "UnCLIPScheduler", joined({{"num_train_timesteps", "beta_schedule"}, model, clip, variance}),
         [](scheduler_config& c) {
             c.curve = beta_curve::squaredcos_cap_v2, c.variance = scheduler_variance::fixed_small_log;
         }},
    };
    return classes;
}

[[nodiscard]] inline const scheduler_class& class_of(scheduler_kind kind) {
    for (const scheduler_class& known : scheduler_classes()) {
        if (known.kind == kind) {
            return known;
        }
    }
    throw value_error("scheduler", "kind", "one of scheduler_kind", static_cast<int>(kind));
}

/// Keys that are no parameters of a class, so that its own files have none, but which it reads where a file has them:
/// classes that choose σ within a range take the range of a config that was another class's.
[[nodiscard]] inline key_list inherited_keys(const scheduler_class& known) {
    const auto has = [&](std::string_view key) {
        return std::find(known.keys.begin(), known.keys.end(), key) != known.keys.end();
    };
    return has("use_karras_sigmas") && !has("sigma_min") ? key_list{"sigma_min", "sigma_max"} : key_list{};
}

[[nodiscard]] inline const names_of<scheduler_kind>& scheduler_names() {
    // Never destroyed: it may be asked for while the process ends.
    static const names_of<scheduler_kind>& names = *new const names_of<scheduler_kind>([] {
        names_of<scheduler_kind> all;
        for (const scheduler_class& known : scheduler_classes()) {
            all.emplace_back(known.name, known.kind);
        }
        return all;
    }());
    return names;
}

}  // namespace ddpm::diffusers::detail
