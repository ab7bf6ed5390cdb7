// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/scheduler_families.hpp>
#include <ddpm/diffusers/scheduler_run_options.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/predictor/denoised.hpp>
#include <ddpm/sampler/any_sampler.hpp>
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
#include <ddpm/sampler/pndm.hpp>
#include <ddpm/sampler/sa_solver.hpp>
#include <ddpm/sampler/tcd.hpp>
#include <ddpm/sampler/unipc.hpp>

#include <optional>

namespace ddpm::diffusers::detail {

[[nodiscard]] inline dpm_algorithm algorithm_of(const scheduler_config& config) {
    switch (config.algorithm) {
        case scheduler_algorithm::dpmsolver:
            return dpm_algorithm::dpmsolver;
        case scheduler_algorithm::sde_dpmsolver:
            return dpm_algorithm::sde_dpmsolver;
        case scheduler_algorithm::sde_dpmsolver_pp:
            return dpm_algorithm::sde_dpmsolver_pp;
        default:
            return dpm_algorithm::dpmsolver_pp;
    }
}

[[nodiscard]] inline dpm_multistep multistep_of(const scheduler_config& config) {
    return {.order = config.solver_order,
            .algorithm = algorithm_of(config),
            .solver_type = config.solver == scheduler_solver::heun ? dpm_solver_type::heun : dpm_solver_type::midpoint,
            .lower_order_final = config.lower_order_final,
            .euler_at_final = config.euler_at_final};
}

/// The sampler of a class without β.
[[nodiscard]] inline any_sampler continuous_sampler(const scheduler_config& config) {
    switch (config.kind) {
        case scheduler_kind::edm_dpm_multistep:
        case scheduler_kind::cosine_dpm_multistep:
            return multistep_of(config);
        case scheduler_kind::consistency:
            return ddpm::consistency{.sigma_min = config.sigma_min.value_or(0), .s_noise = config.s_noise};
        case scheduler_kind::flow_heun:
            return ddpm::heun{.coordinates = step_coordinates::path};
        case scheduler_kind::flow_euler:
            // x ← α' x̂_0 + σ' z: that of a consistency model that is one down to σ = 0.
            return config.stochastic ? any_sampler(ddpm::consistency{.sigma_min = 0}) : any_sampler(ddpm::euler{});
        default:
            return ddpm::euler{};
    }
}

/// The sampler of a class that steps over a grid of a discrete schedule.
template <NoiseSchedule Schedule>
[[nodiscard]] any_sampler discrete_sampler(const scheduler_config& config, const Schedule& schedule,
                                           const sigma_table& table, const scheduler_run_options& options) {
    const auto time_of = [table](double ratio) { return table.time_of(ratio); };
    switch (config.kind) {
        case scheduler_kind::pndm:
            return ddpm::pndm{
                .skip_runge_kutta = config.skip_runge_kutta,
                .average = config.predicts == prediction::v ? ddpm::pndm::averaged::v : ddpm::pndm::averaged::epsilon,
                .level_of = level_function(schedule)};
        case scheduler_kind::lms:
            return ddpm::lms{};
        case scheduler_kind::euler_ancestral:
            return ddpm::euler_ancestral{};
        case scheduler_kind::heun:
            return ddpm::heun{};
        case scheduler_kind::kdpm2:
            return ddpm::kdpm2{.time_of = time_of};
        case scheduler_kind::kdpm2_ancestral:
            return ddpm::kdpm2{.eta = 1, .time_of = time_of};
        case scheduler_kind::dpm_sde:
            return ddpm::dpm_sde{.time_of = time_of};
        case scheduler_kind::dpm_multistep:
        case scheduler_kind::dpm_inverse:
            return multistep_of(config);
        case scheduler_kind::dpm_singlestep:
            return ddpm::dpm_singlestep{.order = config.solver_order,
                                        .algorithm = algorithm_of(config),
                                        .solver_type = multistep_of(config).solver_type,
                                        .lower_order_final = config.lower_order_final};
        case scheduler_kind::unipc:
            return ddpm::unipc{
                .order = config.solver_order,
                .variant = config.solver == scheduler_solver::bh1 ? unipc_variant::bh1 : unipc_variant::bh2,
                .predict_x0 = config.predict_x0,
                .disable_corrector = config.disable_corrector,
                .lower_order_final = config.lower_order_final};
        case scheduler_kind::deis:
            return ddpm::deis{.order = config.solver_order, .lower_order_final = config.lower_order_final};
        case scheduler_kind::sa_solver:
            return ddpm::sa_solver{.predictor_order = config.predictor_order,
                                   .corrector_order = config.corrector_order,
                                   .predict_x0 = config.algorithm != scheduler_algorithm::noise_prediction,
                                   .lower_order_final = config.lower_order_final};
        case scheduler_kind::lcm:
            return ddpm::lcm{.time_scale = config.timestep_scaling};
        case scheduler_kind::tcd:
            return ddpm::tcd{.gamma = options.eta.value_or(0.3), .level_of = level_function(schedule)};
        default:
            return ddpm::euler{};
    }
}

/// How diffusers limits the estimate of x_0: which classes have the keys but do not use them too.
[[nodiscard]] inline denoise_options denoise_options_of(const scheduler_config& config) {
    using enum scheduler_kind;
    denoise_options options;
    const bool can_threshold =
        is_one_of(config.kind, {ddpm, ddpm_parallel, ddim, ddim_parallel, lcm, edm_dpm_multistep}) ||
        (is_solver_kind(config.kind) && (config.kind != unipc || config.predict_x0));
    const bool can_clip = is_one_of(
        config.kind, {ddpm, ddpm_parallel, ddim, ddim_parallel, ddim_inverse, unclip, repaint, heun, lcm, consistency});
    if (can_threshold && config.threshold) {
        options.threshold = dynamic_threshold{config.threshold_ratio, config.threshold_max};
    } else if (can_clip && config.clip) {
        options.clip_x0 = config.clip_range;
    }
    options.clip_epsilon = is_solver_kind(config.kind) || config.kind == heun;
    return options;
}

}  // namespace ddpm::diffusers::detail
