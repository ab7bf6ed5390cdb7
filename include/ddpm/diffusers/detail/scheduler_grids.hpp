// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/detail/scheduler_families.hpp>
#include <ddpm/diffusers/detail/scheduler_timesteps.hpp>
#include <ddpm/diffusers/scheduler_run_options.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/grid/flow_sigma.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/sampler/ipndm.hpp>
#include <ddpm/sampler/lcm.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <utility>
#include <vector>

namespace ddpm::diffusers::detail {

/// The grid of points {t_k, level_of(σ_k)}, then of an end.
template <class LevelOf>
[[nodiscard]] time_grid grid_of(const std::vector<double>& times, const std::vector<double>& sigmas,
                                const LevelOf& level_of, const noise_level<double>& end) {
    std::vector<grid_point> points;
    for (std::size_t k = 0; k < sigmas.size(); ++k) {
        points.push_back({times[k], level_of(sigmas[k])});
    }
    points.push_back({-1, end});
    return time_grid(std::move(points));
}

[[nodiscard]] inline noise_level<double> exploding_level(double sigma) { return {1, sigma}; }
[[nodiscard]] inline noise_level<double> flow_level(double sigma) { return {1 - sigma, sigma}; }

/// The whole timestep that diffusers truncates a time to. One that is whole but for rounding is not truncated to the
/// one below.
[[nodiscard]] inline double truncated_time(double t) {
    constexpr double rounding = 1e-6;
    return std::trunc(t + rounding);
}

/// Of the classes after k-diffusion. The end keeps their scale, as diffusers' result does.
[[nodiscard]] inline time_grid ratio_kind_grid(const scheduler_config& config, const sigma_table& table, isize count) {
    const bool converts = converts_sigmas(config);
    std::vector<double> times = converts ? outermost_timesteps(config, count) : fractional_timesteps(config, count);
    std::vector<double> sigmas;
    sigma_range range{table.sigma_at(times.back()), table.sigma_at(times.front())};
    double end = config.final_sigma == grid_end::zero_noise ? 0 : table.range().lowest;
    const bool told_sigma = config.time == scheduler_time::continuous && config.predicts == prediction::v;
    if (config.interpolation == sigma_interpolation::log_linear) {
        // One σ more than steps: such a run ends at the lowest, or has one step more if the times are made of σ.
        range = table.range();
        sigmas = exponential_sigmas(count + 1, range);
        if (!told_sigma) {
            end = converts ? end : sigmas.back();
            sigmas.pop_back();
        }
    } else if (!converts) {
        std::transform(times.begin(), times.end(), std::back_inserter(sigmas),
                       [&](double t) { return table.sigma_at(t); });
    }
    if (converts) {
        const bool rounds =
            config.karras_sigmas && is_one_of(config.kind, {scheduler_kind::kdpm2, scheduler_kind::kdpm2_ancestral});
        sigmas = converted_sigmas(config, count, range);
        times.clear();
        std::transform(sigmas.begin(), sigmas.end(), std::back_inserter(times), [&](double sigma) {
            const double t = table.time_of(sigma);
            return rounds ? std::nearbyint(t) : t;
        });
    }
    if (told_sigma) {
        times.resize(sigmas.size());
        std::transform(sigmas.begin(), sigmas.end(), times.begin(), [](double sigma) { return std::log(sigma) / 4; });
    }
    return grid_of(times, sigmas, variance_preserving_level, exploding_level(end));
}

/// How many of a schedule's first timesteps lambda_min_clipped leaves.
[[nodiscard]] inline isize clipped_steps(const scheduler_config& config, const sigma_table& table) {
    isize steps = table.steps();
    while (steps > 0 && -std::log(table.sigma_at(static_cast<double>(steps - 1))) < config.lambda_min_clipped) {
        --steps;
    }
    return steps;
}

/// The shift of dynamic shifting's μ, or the config's own.
[[nodiscard]] inline double flow_shift_of(const scheduler_config& config, const scheduler_run_options& options) {
    if (!config.dynamic_shifting) {
        return config.flow_shift;
    }
    if (!options.mu && !options.image_length) {
        throw value_error("make_scheduler_run", "mu of use_dynamic_shifting", "mu, or the length of an image", "none");
    }
    const flow_shift_rule rule{static_cast<double>(config.base_length), static_cast<double>(config.max_length),
                               config.base_shift, config.max_shift};
    const double mu = options.mu ? *options.mu : rule(*options.image_length);
    if (config.time_shift == flow_time_shift::linear && !(mu > 0)) {
        throw value_error("make_scheduler_run", "mu where time_shift_type is linear", "> 0", mu);
    }
    return config.time_shift == flow_time_shift::exponential ? std::exp(mu) : mu;
}

/// Whether a class's sigma_min is the lowest of its table, not of the σ that were chosen.
[[nodiscard]] inline bool ends_at_table(scheduler_kind kind) {
    return is_one_of(kind, {scheduler_kind::dpm_multistep, scheduler_kind::dpm_singlestep});
}

/// Of DPM-Solver and its kin over σ of a rectified flow.
[[nodiscard]] inline time_grid solver_kind_flow_grid(const scheduler_config& config, const sigma_table& table,
                                                     isize count, const scheduler_run_options& options) {
    const bool is_unipc = config.kind == scheduler_kind::unipc;
    if (config.kind == scheduler_kind::dpm_inverse ||
        (converts_sigmas(config) && !(is_unipc && config.karras_sigmas))) {
        throw value_error("make_scheduler_run", "use_flow_sigmas with this class or other sigmas", false, true);
    }
    const double steps = static_cast<double>(config.train_timesteps), n = static_cast<double>(count);
    const double width = 1 - 1 / steps, shift = flow_shift_of(config, options);
    std::vector<double> sigmas;
    if (config.karras_sigmas) {
        sigmas = converted_sigmas(config, count, table.range());
        std::transform(sigmas.begin(), sigmas.end(), sigmas.begin(), [](double ratio) { return ratio / (1 + ratio); });
    } else if (is_unipc) {
        const bool stretches = config.shift_terminal.value_or(0) != 0;
        sigmas = flow_sigmas(count, {.last = 1 - width * (n - 1) / n,
                                     .shift = shift,
                                     .terminal = stretches ? config.shift_terminal : std::nullopt});
        constexpr double gap = 1e-6;
        sigmas[0] -= std::abs(sigmas[0] - 1) < gap ? gap : 0;
    } else {
        sigmas = flow_sigmas(count, {.first = width, .last = width / n, .shift = shift});
    }
    std::vector<double> times;
    for (const double sigma : sigmas) {
        times.push_back(truncated_time(sigma * steps));
    }
    const double last = ends_at_table(config.kind) ? table.range().lowest : sigmas.back();
    const double end = config.final_sigma == grid_end::zero_noise ? 0 : last;
    return grid_of(times, sigmas, flow_level, flow_level(end));
}

/// Of DPM-Solver and its kin.
[[nodiscard]] inline time_grid solver_kind_grid(const scheduler_config& config, const sigma_table& table, isize count,
                                                const scheduler_run_options& options) {
    if (config.flow_sigmas) {
        return solver_kind_flow_grid(config, table, count, options);
    }
    const bool inverts = config.kind == scheduler_kind::dpm_inverse;
    const isize steps = clipped_steps(config, table);
    std::vector<double> times, sigmas;
    double end = inverts ? table.sigma_at(static_cast<double>(steps - 1)) : table.range().lowest;
    if (converts_sigmas(config)) {
        const bool rounds =
            (config.karras_sigmas || config.lu_lambdas) &&
            !(config.kind == scheduler_kind::dpm_multistep && config.curve == beta_curve::squaredcos_cap_v2);
        sigmas = converted_sigmas(config, count, table.range());
        end = inverts ? sigmas.front() : ends_at_table(config.kind) ? end : sigmas.back();
        sigmas[0] = inverts && count == 1 ? table.range().lowest : sigmas[0];
        for (const double sigma : sigmas) {
            const double t = table.time_of(sigma);
            times.push_back(rounds ? std::nearbyint(t) : truncated_time(t));
        }
    } else {
        for (const isize t : solver_kind_timesteps(config, steps, count)) {
            times.push_back(static_cast<double>(t));
            sigmas.push_back(table.sigma_at(times.back()));
        }
    }
    if (inverts) {
        std::reverse(times.begin(), times.end());
        std::reverse(sigmas.begin(), sigmas.end());
    } else if (config.final_sigma == grid_end::zero_noise) {
        end = 0;
    }
    return grid_of(times, sigmas, variance_preserving_level, variance_preserving_level(end));
}

/// Of the classes whose points are timesteps of a schedule.
template <NoiseSchedule Schedule>
[[nodiscard]] time_grid timestep_kind_grid(const scheduler_config& config, const Schedule& schedule, isize count) {
    if (config.kind == scheduler_kind::pndm) {
        return make_grid(schedule, spaced_timesteps(config, count),
                         config.end_at_clean ? grid_end::zero_noise : grid_end::least_noise);
    }
    return make_grid(schedule, lcm_timesteps(config.train_timesteps, count, config.original_steps),
                     config.kind == scheduler_kind::tcd ? grid_end::least_noise : grid_end::zero_noise);
}

/// The levels of IPNDMScheduler: those of `crash_grid`, or with trained β the σ that they are, the last of which is the
/// end.
/// @throws value_error unless the β are within [0, 1] and rise or fall, and are one more than the steps
[[nodiscard]] inline time_grid ipndm_grid(const scheduler_config& config, isize steps) {
    if (config.trained_betas.empty()) {
        return crash_grid(steps);
    }
    const auto count = static_cast<isize>(config.trained_betas.size());
    if (steps != count - 1) {
        throw value_error("make_scheduler_run", "number of steps, which trained_betas say", count - 1, steps);
    }
    std::vector<grid_point> points;
    for (const double sigma : config.trained_betas) {
        ddpm::detail::require_between("make_scheduler_run", "trained_betas", sigma, 0, 1);
        const double signal = std::sqrt((1 - sigma) * (1 + sigma));
        points.push_back({std::atan2(sigma, signal) * 2 / std::numbers::pi, {signal, sigma}});
    }
    return time_grid(std::move(points));
}

/// Of the classes without β.
[[nodiscard]] inline time_grid continuous_grid(const scheduler_config& config, isize count,
                                               const scheduler_run_options& options) {
    const double steps = static_cast<double>(config.train_timesteps);
    const sigma_range range{config.sigma_min.value_or(0), config.sigma_max.value_or(0)};
    std::vector<double> sigmas;
    switch (config.kind) {
        case scheduler_kind::ipndm:
            return ipndm_grid(config, count);
        case scheduler_kind::flow_euler:
        case scheduler_kind::flow_heun: {
            // diffusers shifts the range, and then the σ within it again.
            const double shift = flow_shift_of(config, options), of_range = config.dynamic_shifting ? 1 : shift;
            const bool stretches = config.shift_terminal.value_or(0) != 0;
            sigmas = flow_sigmas(count, {.last = shifted_flow_sigma(1 / steps, of_range),
                                         .shift = shift,
                                         .terminal = stretches ? config.shift_terminal : std::nullopt});
            if (converts_sigmas(config)) {
                sigmas = converted_sigmas(config, count, {sigmas.back(), sigmas.front()});
            }
            std::vector<double> times;
            for (double& sigma : sigmas) {
                sigma = config.invert_sigmas ? 1 - sigma : sigma;
                times.push_back(sigma * steps);
            }
            return grid_of(times, sigmas, flow_level, flow_level(config.invert_sigmas ? 1 : 0));
        }
        case scheduler_kind::consistency: {
            const std::vector<double> all = karras_sigmas(config.train_timesteps, range, config.rho);
            const std::vector<isize> chosen = make_timesteps(config.train_timesteps, count, timestep_spacing::leading);
            for (auto k = chosen.rbegin(); k != chosen.rend(); ++k) {
                sigmas.push_back(all[static_cast<std::size_t>(*k)]);
            }
            return grid_of(sigmas, sigmas, exploding_level, exploding_level(range.lowest));
        }
        case scheduler_kind::score_sde_ve: {
            sigmas = exponential_sigmas(count, range);
            std::vector<double> times;
            for (isize k = 0; k < count; ++k) {
                const double r = count == 1 ? 0 : static_cast<double>(k) / static_cast<double>(count - 1);
                times.push_back(range.lowest *
                                std::pow(range.highest / range.lowest, 1 - r * (1 - config.sampling_eps)));
            }
            return grid_of(times, sigmas, exploding_level, exploding_level(0));
        }
        default:
            break;
    }
    sigmas = config.sigma_schedule == edm_sigma_schedule::karras ? karras_sigmas(count, range, config.rho)
                                                                 : exponential_sigmas(count, range);
    const double last = config.kind == scheduler_kind::edm_euler ? sigmas.back() : range.lowest;
    return grid_of(sigmas, sigmas, exploding_level,
                   exploding_level(config.final_sigma == grid_end::zero_noise ? 0 : last));
}

}  // namespace ddpm::diffusers::detail
