// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/config_reader.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>

#include <initializer_list>
#include <string_view>
#include <utility>

namespace ddpm::diffusers::detail {

// The values that a class of schedulers has for a key, by name. The first name of a value is the one that is written.

[[nodiscard]] constexpr bool is_one_of(scheduler_kind kind, std::initializer_list<scheduler_kind> kinds) {
    for (const scheduler_kind k : kinds) {
        if (k == kind) {
            return true;
        }
    }
    return false;
}

[[nodiscard]] inline names_of<beta_curve> curve_names(scheduler_kind kind) {
    if (kind == scheduler_kind::unclip) {
        return {{"squaredcos_cap_v2", beta_curve::squaredcos_cap_v2}};
    }
    names_of<beta_curve> names{{"linear", beta_curve::linear},
                               {"scaled_linear", beta_curve::scaled_linear},
                               {"squaredcos_cap_v2", beta_curve::squaredcos_cap_v2}};
    if (is_one_of(kind, {scheduler_kind::ddpm, scheduler_kind::ddpm_parallel, scheduler_kind::repaint})) {
        names.emplace_back("sigmoid", beta_curve::sigmoid);
    }
    if (is_one_of(kind, {scheduler_kind::ddpm, scheduler_kind::ddpm_parallel})) {
        names.emplace_back("laplace", beta_curve::laplace);
    }
    if (kind == scheduler_kind::heun) {
        names.emplace_back("exp", beta_curve::exp);
    }
    return names;
}

[[nodiscard]] inline names_of<prediction> prediction_names(scheduler_kind kind) {
    using enum scheduler_kind;
    names_of<prediction> names{{"epsilon", prediction::epsilon}};
    if (!is_one_of(kind, {pndm, euler_ancestral, kdpm2, kdpm2_ancestral, dpm_sde, edm_euler, edm_dpm_multistep,
                          cosine_dpm_multistep})) {
        names.emplace_back("sample", prediction::x0);
    }
    if (kind != unclip) {
        names.emplace_back("v_prediction", prediction::v);
    }
    if (is_one_of(kind, {dpm_multistep, dpm_inverse, dpm_singlestep, unipc, deis, sa_solver})) {
        names.emplace_back("flow_prediction", prediction::flow);
    }
    if (kind == euler) {
        names.emplace_back("original_sample", prediction::x0);
    }
    return names;
}

[[nodiscard]] inline names_of<scheduler_variance> variance_names(scheduler_kind kind) {
    using enum scheduler_variance;
    if (kind == scheduler_kind::unclip) {
        return {{"fixed_small_log", fixed_small_log}, {"learned_range", learned_range}};
    }
    // Solvers read only whether a variance is learned; the names of fixed ones come from configs of DDPM.
    return {{"fixed_small", fixed_small}, {"fixed_small_log", fixed_small_log},
            {"fixed_large", fixed_large}, {"fixed_large_log", fixed_large_log},
            {"learned", learned},         {"learned_range", learned_range}};
}

[[nodiscard]] inline names_of<timestep_spacing> spacing_names(scheduler_kind kind) {
    names_of<timestep_spacing> names{{"leading", timestep_spacing::leading}, {"trailing", timestep_spacing::trailing}};
    if (kind != scheduler_kind::ddim_inverse) {
        names.emplace_back("linspace", timestep_spacing::linspace);
    }
    return names;
}

[[nodiscard]] inline names_of<scheduler_algorithm> algorithm_names(scheduler_kind kind) {
    using enum scheduler_algorithm;
    switch (kind) {
        case scheduler_kind::deis:
            return {{"deis", deis}, {"dpmsolver", deis}, {"dpmsolver++", deis}};
        case scheduler_kind::sa_solver:
            return {{"data_prediction", data_prediction}, {"noise_prediction", noise_prediction}};
        case scheduler_kind::edm_dpm_multistep:
            return {{"dpmsolver++", dpmsolver_pp}, {"sde-dpmsolver++", sde_dpmsolver_pp}, {"deis", dpmsolver_pp}};
        default:
            break;
    }
    names_of<scheduler_algorithm> names{{"dpmsolver++", dpmsolver_pp},
                                        {"dpmsolver", dpmsolver},
                                        {"sde-dpmsolver++", sde_dpmsolver_pp},
                                        {"deis", dpmsolver_pp}};
    if (kind != scheduler_kind::dpm_singlestep) {
        names.emplace_back("sde-dpmsolver", sde_dpmsolver);
    }
    return names;
}

[[nodiscard]] inline names_of<scheduler_solver> solver_names(scheduler_kind kind) {
    using enum scheduler_solver;
    switch (kind) {
        case scheduler_kind::unipc:
            return {{"bh1", bh1}, {"bh2", bh2}, {"midpoint", bh2}, {"heun", bh2}, {"logrho", bh2}};
        case scheduler_kind::deis:
            return {{"logrho", logrho}, {"midpoint", logrho}, {"heun", logrho}, {"bh1", logrho}, {"bh2", logrho}};
        default:
            return {{"midpoint", midpoint}, {"heun", heun}, {"logrho", midpoint}, {"bh1", midpoint}, {"bh2", midpoint}};
    }
}

[[nodiscard]] inline names_of<grid_end> final_sigma_names(scheduler_kind) {
    return {{"zero", grid_end::zero_noise}, {"sigma_min", grid_end::least_noise}};
}

[[nodiscard]] inline names_of<sigma_interpolation> interpolation_names(scheduler_kind) {
    return {{"linear", sigma_interpolation::linear}, {"log_linear", sigma_interpolation::log_linear}};
}

[[nodiscard]] inline names_of<scheduler_time> time_names(scheduler_kind) {
    return {{"discrete", scheduler_time::discrete}, {"continuous", scheduler_time::continuous}};
}

[[nodiscard]] inline names_of<edm_sigma_schedule> sigma_schedule_names(scheduler_kind) {
    return {{"karras", edm_sigma_schedule::karras}, {"exponential", edm_sigma_schedule::exponential}};
}

[[nodiscard]] inline names_of<flow_time_shift> time_shift_names(scheduler_kind) {
    return {{"exponential", flow_time_shift::exponential}, {"linear", flow_time_shift::linear}};
}

}  // namespace ddpm::diffusers::detail
