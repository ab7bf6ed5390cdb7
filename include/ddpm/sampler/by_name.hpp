// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/sampler/ancestral.hpp>
#include <ddpm/sampler/any_sampler.hpp>
#include <ddpm/sampler/consistency.hpp>
#include <ddpm/sampler/ddim.hpp>
#include <ddpm/sampler/deis.hpp>
#include <ddpm/sampler/dpm_multistep.hpp>
#include <ddpm/sampler/dpm_sde.hpp>
#include <ddpm/sampler/dpm_singlestep.hpp>
#include <ddpm/sampler/euler.hpp>
#include <ddpm/sampler/euler_ancestral.hpp>
#include <ddpm/sampler/heun.hpp>
#include <ddpm/sampler/ipndm.hpp>
#include <ddpm/sampler/kdpm2.hpp>
#include <ddpm/sampler/lcm.hpp>
#include <ddpm/sampler/lms.hpp>
#include <ddpm/sampler/pndm.hpp>
#include <ddpm/sampler/sa_solver.hpp>
#include <ddpm/sampler/tcd.hpp>
#include <ddpm/sampler/unipc.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace ddpm {

/// A sampler and its usual name.
struct named_sampler {
    std::string_view name;
    any_sampler sampler;
};

/// All samplers of this library by their usual names, with common options.
[[nodiscard]] inline const std::vector<named_sampler>& named_samplers() {
    using enum dpm_algorithm;
    // Never destroyed, since it may be used by destructors of static objects.
    static const std::vector<named_sampler>& all = *new const std::vector<named_sampler>{
        {"ancestral", ancestral{}},
        {"ancestral_large", ancestral{.variance = reverse_variance::fixed_large}},
        {"ddim", ddim{}},
        {"ddim_eta_1", ddim{.eta = 1}},
        {"euler", euler{}},
        {"euler_churn", euler{.churn = {.s_churn = 20}}},
        {"euler_ancestral", euler_ancestral{}},
        {"heun", heun{}},
        {"heun_churn", heun{.churn = {.s_churn = 20}}},
        {"kdpm2", kdpm2{}},
        {"kdpm2_ancestral", kdpm2{.eta = 1}},
        {"lms", lms{}},
        {"pndm", pndm{}},
        {"plms", pndm{.skip_runge_kutta = true}},
        {"ipndm", ipndm{}},
        {"dpm_solver_2m", dpm_multistep{.order = 2, .algorithm = dpmsolver}},
        {"dpm_solver_3m", dpm_multistep{.order = 3, .algorithm = dpmsolver}},
        {"dpm_solver_2s", dpm_singlestep{.order = 2, .algorithm = dpmsolver}},
        {"dpm_solver_3s", dpm_singlestep{.order = 3, .algorithm = dpmsolver}},
        {"dpmpp_2m", dpm_multistep{.order = 2}},
        {"dpmpp_3m", dpm_multistep{.order = 3}},
        {"dpmpp_3m_corrected", dpm_multistep{.order = 3, .corrected_third = true}},
        {"dpmpp_2s", dpm_singlestep{.order = 2}},
        {"dpmpp_3s", dpm_singlestep{.order = 3}},
        {"dpmpp_sde", dpm_sde{}},
        {"dpmpp_2m_sde", dpm_multistep{.order = 2, .algorithm = sde_dpmsolver_pp}},
        {"dpmpp_3m_sde", dpm_multistep{.order = 3, .algorithm = sde_dpmsolver_pp}},
        {"unipc_bh1", unipc{.order = 2, .variant = unipc_variant::bh1}},
        {"unipc", unipc{.order = 2}},
        {"unipc_3", unipc{.order = 3}},
        {"deis_2", deis{.order = 2}},
        {"deis_3", deis{.order = 3}},
        {"sa_solver", sa_solver{}},
        {"lcm", lcm{}},
        {"tcd", tcd{}},
        {"consistency", consistency{}},
    };
    return all;
}

/// The sampler with a name.
/// @throws value_error that lists the names if there is none
[[nodiscard]] inline any_sampler sampler_by_name(std::string_view name) {
    std::string known;
    for (const named_sampler& one : named_samplers()) {
        if (one.name == name) {
            return one.sampler;
        }
        known.append(known.empty() ? "" : ", ").append(one.name);
    }
    throw value_error("sampler_by_name", "name", known, name);
}

}  // namespace ddpm
