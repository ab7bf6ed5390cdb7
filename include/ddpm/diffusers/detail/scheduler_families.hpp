// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/scheduler_names.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/grid/sigma_list.hpp>

#include <optional>
#include <vector>

namespace ddpm::diffusers::detail {

/// Whether diffusers steps x/α over σ/α, at fractional timesteps: after k-diffusion.
[[nodiscard]] inline bool is_ratio_kind(scheduler_kind kind) {
    using enum scheduler_kind;
    return is_one_of(kind, {lms, euler, euler_ancestral, heun, kdpm2, kdpm2_ancestral, dpm_sde});
}

/// Whether its σ are those of DPM-Solver, at whole timesteps.
[[nodiscard]] inline bool is_solver_kind(scheduler_kind kind) {
    using enum scheduler_kind;
    return is_one_of(kind, {dpm_multistep, dpm_inverse, dpm_singlestep, unipc, deis, sa_solver});
}

/// Whether it has a table of β.
[[nodiscard]] inline bool has_schedule(scheduler_kind kind) {
    using enum scheduler_kind;
    return !is_one_of(kind, {ipndm, edm_euler, edm_dpm_multistep, cosine_dpm_multistep, consistency, flow_euler,
                             flow_heun, score_sde_ve});
}

/// Whether σ is chosen without timesteps.
[[nodiscard]] inline bool converts_sigmas(const scheduler_config& config) {
    return config.karras_sigmas || config.lu_lambdas || config.exponential_sigmas || config.beta_sigmas;
}

/// σ that fall over a range, or over the config's own, by the rule that the config names.
[[nodiscard]] inline std::vector<double> converted_sigmas(const scheduler_config& config, isize count,
                                                          const sigma_range& known) {
    const bool ignores_own =
        config.karras_sigmas && is_one_of(config.kind, {scheduler_kind::lms, scheduler_kind::dpm_sde});
    sigma_range range = ignores_own ? known
                                    : sigma_range{config.sigma_min.value_or(known.lowest),
                                                  config.sigma_max.value_or(known.highest)};
    range.lowest = count == 1 ? range.highest : range.lowest;  // of one σ, which is the highest
    return config.karras_sigmas                             ? karras_sigmas(count, range)
           : config.lu_lambdas || config.exponential_sigmas ? exponential_sigmas(count, range)
                                                            : beta_sigmas(count, range);
}

}  // namespace ddpm::diffusers::detail
