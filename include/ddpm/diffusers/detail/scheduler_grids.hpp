// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/require.hpp>
#include <ddpm/diffusers/detail/scheduler_timesteps.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/grid/flow_sigma.hpp>
#include <ddpm/grid/level_function.hpp>
#include <ddpm/grid/sigma_list.hpp>
#include <ddpm/grid/sigma_table.hpp>
#include <ddpm/sampler/ipndm.hpp>
#include <ddpm/sampler/lcm.hpp>
#include <ddpm/schedule/continuous_schedule.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <utility>
#include <vector>

namespace ddpm::diffusers::detail {

/// The inputs of the functions that make the grid and the plan of a run.
struct run_inputs {
    const scheduler_config& config;
    isize steps;
    const scheduler_run_options& options;
    const sigma_table* table = nullptr;        ///< σ/α of the schedule; null for a class without β
    const level_function* level_of = nullptr;  ///< α and σ of the schedule; null for a class without β
};

/// The grid with the points {t_k, level_of(σ_k)} and the end level.
[[nodiscard]] inline time_grid grid_of(const std::vector<double>& times, const std::vector<double>& sigmas,
                                       noise_level<double> (*level_of)(double), const noise_level<double>& end) {
    std::vector<grid_point> points;
    points.reserve(sigmas.size() + 1);
    for (std::size_t k = 0; k < sigmas.size(); ++k) {
        points.push_back({times[k], level_of(sigmas[k])});
    }
    points.push_back({-1, end});
    return time_grid(std::move(points));
}

[[nodiscard]] inline noise_level<double> exploding_level(double sigma) { return {1, sigma}; }
[[nodiscard]] inline noise_level<double> flow_level(double sigma) { return {1 - sigma, sigma}; }

/// The time truncated to a whole timestep, as in diffusers; a time just below a whole number by rounding errors is
/// rounded up.
[[nodiscard]] inline double truncated_time(double t) {
    constexpr double rounding = 1e-6;
    return std::trunc(t + rounding);
}

/// Whether the config replaces the σ of timesteps by others.
[[nodiscard]] inline bool converts_sigmas(const scheduler_config& config) {
    return config.karras_sigmas || config.lu_lambdas || config.exponential_sigmas || config.beta_sigmas;
}

/// Whether the config replaces the σ of timesteps by several kinds of others, of which only one can be meant.
[[nodiscard]] inline bool chooses_several_sigmas(const scheduler_config& config) {
    return config.karras_sigmas + config.exponential_sigmas + config.beta_sigmas > 1;
}

/// Falling σ over a range, with the config's spacing.
[[nodiscard]] inline std::vector<double> converted_sigmas(const scheduler_config& config, isize count,
                                                          sigma_range range) {
    range.lowest = count == 1 ? range.highest : range.lowest;  // a single σ is the highest
    return config.karras_sigmas                             ? karras_sigmas(count, range)
           : config.lu_lambdas || config.exponential_sigmas ? exponential_sigmas(count, range)
                                                            : beta_sigmas(count, range);
}

/// The config's sigma_min and sigma_max, each from `other` if missing.
[[nodiscard]] inline sigma_range own_range(const scheduler_config& config, const sigma_range& other = {0, 0}) {
    return {config.sigma_min.value_or(other.lowest), config.sigma_max.value_or(other.highest)};
}

/// Differences between the classes from k-diffusion.
struct ratio_rules {
    bool karras_over_table = false;    ///< Karras σ have the range of the timesteps, also if the config has a range
    bool karras_rounds_times = false;  ///< the times of Karras σ are rounded
};

/// The grid of the classes from k-diffusion, which solve for x/α as a function of σ/α, at fractional timesteps. The end
/// level is {1, σ}, as in diffusers' result.
[[nodiscard]] inline time_grid ratio_grid(const run_inputs& in, const ratio_rules& rules = {}) {
    const scheduler_config& config = in.config;
    const sigma_table& table = *in.table;
    const isize count = in.steps;
    const bool converts = converts_sigmas(config);
    std::vector<double> times = converts ? outermost_timesteps(config, count) : fractional_timesteps(config, count);
    std::vector<double> sigmas;
    sigma_range range{table.sigma_at(times.back()), table.sigma_at(times.front())};
    double end = config.final_sigma == grid_end::zero_noise ? 0 : table.range().lowest;
    const bool time_is_log_sigma = config.time == scheduler_time::continuous && config.predicts == prediction::v;
    if (config.interpolation == sigma_interpolation::log_linear) {
        // One σ more than steps. The run ends at the lowest, or has one step more if the times are functions of σ.
        range = table.range();
        sigmas = exponential_sigmas(count + 1, range);
        if (!time_is_log_sigma) {
            end = converts ? end : sigmas.back();
            sigmas.pop_back();
        }
    } else if (!converts) {
        for (const double t : times) {
            sigmas.push_back(table.sigma_at(t));
        }
    }
    if (converts) {
        const bool rounds = config.karras_sigmas && rules.karras_rounds_times;
        const bool takes_range = config.karras_sigmas && rules.karras_over_table;
        sigmas = converted_sigmas(config, count, takes_range ? range : own_range(config, range));
        times.clear();
        for (const double sigma : sigmas) {
            const double t = table.time_of(sigma);
            times.push_back(rounds ? std::nearbyint(t) : t);
        }
    }
    if (time_is_log_sigma) {
        times.clear();
        for (const double sigma : sigmas) {
            times.push_back(std::log(sigma) / 4);
        }
    }
    return grid_of(times, sigmas, variance_preserving_level, exploding_level(end));
}

[[nodiscard]] inline time_grid plain_ratio_grid(const run_inputs& in) { return ratio_grid(in); }

/// The number of timesteps with ln(α/σ) ≥ lambda_min_clipped.
[[nodiscard]] inline isize clipped_steps(const scheduler_config& config, const sigma_table& table) {
    isize steps = table.steps();
    while (steps > 0 && -std::log(table.sigma_at(static_cast<double>(steps - 1))) < config.lambda_min_clipped) {
        --steps;
    }
    return steps;
}

/// The shift from μ of dynamic shifting, or the config's shift.
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

/// Differences between the multistep and single-step solvers (DPM-Solver, UniPC, DEIS, SA-Solver).
struct solver_rules {
    bool inverts = false;             ///< the run goes from data to noise
    bool ends_at_table = false;       ///< the end sigma_min is the lowest σ of the table, not of the chosen σ
    bool keeps_cosine_times = false;  ///< the times of Karras and Lu σ are not rounded with squaredcos_cap_v2
    bool unipc_flow = false;          ///< the flow's σ are UniPC's
};

/// The grid of these solvers over σ of a rectified flow.
[[nodiscard]] inline time_grid solver_flow_grid(const run_inputs& in, const solver_rules& rules) {
    const scheduler_config& config = in.config;
    const isize count = in.steps;
    if (rules.inverts || (converts_sigmas(config) && !(rules.unipc_flow && config.karras_sigmas))) {
        throw value_error("make_scheduler_run", "use_flow_sigmas with this class or other sigmas", false, true);
    }
    const double steps = static_cast<double>(config.train_timesteps), n = static_cast<double>(count);
    const double width = 1 - 1 / steps, shift = flow_shift_of(config, in.options);
    std::vector<double> sigmas;
    if (config.karras_sigmas) {
        sigmas = converted_sigmas(config, count, own_range(config, in.table->range()));
        for (double& sigma : sigmas) {
            sigma /= 1 + sigma;
        }
    } else if (rules.unipc_flow) {
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
    times.reserve(sigmas.size());
    for (const double sigma : sigmas) {
        times.push_back(truncated_time(sigma * steps));
    }
    const double last = rules.ends_at_table ? in.table->range().lowest : sigmas.back();
    const double end = config.final_sigma == grid_end::zero_noise ? 0 : last;
    return grid_of(times, sigmas, flow_level, flow_level(end));
}

/// The grid of these solvers over σ of whole timesteps or chosen σ.
[[nodiscard]] inline time_grid solver_grid(const run_inputs& in, const solver_rules& rules = {}) {
    const scheduler_config& config = in.config;
    const sigma_table& table = *in.table;
    const isize count = in.steps;
    if (config.flow_sigmas) {
        return solver_flow_grid(in, rules);
    }
    const bool inverts = rules.inverts;
    const isize steps = clipped_steps(config, table);
    std::vector<double> times, sigmas;
    double end = inverts ? table.sigma_at(static_cast<double>(steps - 1)) : table.range().lowest;
    if (converts_sigmas(config)) {
        const bool rounds = (config.karras_sigmas || config.lu_lambdas) &&
                            !(rules.keeps_cosine_times && config.curve == beta_curve::squaredcos_cap_v2);
        sigmas = converted_sigmas(config, count, own_range(config, table.range()));
        end = inverts ? sigmas.front() : rules.ends_at_table ? end : sigmas.back();
        sigmas[0] = inverts && count == 1 ? table.range().lowest : sigmas[0];
        for (const double sigma : sigmas) {
            const double t = table.time_of(sigma);
            times.push_back(rounds ? std::nearbyint(t) : truncated_time(t));
        }
    } else {
        for (const isize t : solver_kind_timesteps(config, steps, count, inverts)) {
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

[[nodiscard]] inline time_grid plain_solver_grid(const run_inputs& in) { return solver_grid(in); }

/// The grid over timesteps of a schedule; ends at x_0, or at the level of t = 0.
[[nodiscard]] inline time_grid timestep_grid(const run_inputs& in, const std::vector<isize>& timesteps,
                                             bool ends_at_clean) {
    require_timesteps("make_scheduler_run", timesteps, in.config.train_timesteps);
    std::vector<grid_point> points;
    for (const isize t : timesteps) {
        const double time = static_cast<double>(t);
        points.push_back({time, (*in.level_of)(time)});
    }
    points.push_back(ends_at_clean ? grid_point{-1, {1, 0}} : grid_point{0, (*in.level_of)(0)});
    return time_grid(std::move(points));
}

/// The grid of models that were distilled to few steps.
[[nodiscard]] inline time_grid distilled_grid(const run_inputs& in, bool ends_at_clean) {
    return timestep_grid(in, lcm_timesteps(in.config.train_timesteps, in.steps, in.config.original_steps),
                         ends_at_clean);
}

/// The grid of IPNDMScheduler: crash_grid, or the trained β as σ.
/// @throws value_error unless the trained β are within [0, 1] and rise or fall, and their number is steps + 1
[[nodiscard]] inline time_grid ipndm_grid(const run_inputs& in) {
    if (in.config.trained_betas.empty()) {
        return crash_grid(in.steps);
    }
    const auto count = static_cast<isize>(in.config.trained_betas.size());
    if (in.steps != count - 1) {
        throw value_error("make_scheduler_run", "number of steps for trained_betas", count - 1, in.steps);
    }
    std::vector<grid_point> points;
    for (const double sigma : in.config.trained_betas) {
        ddpm::detail::require_between("make_scheduler_run", "trained_betas", sigma, 0, 1);
        const double signal = std::sqrt((1 - sigma) * (1 + sigma));
        points.push_back({std::atan2(sigma, signal) * 2 / std::numbers::pi, {signal, sigma}});
    }
    return time_grid(std::move(points));
}

/// The grid of rectified flows.
[[nodiscard]] inline time_grid flow_grid(const run_inputs& in) {
    const scheduler_config& config = in.config;
    const double steps = static_cast<double>(config.train_timesteps);
    // diffusers shifts the range, and then the σ again.
    const double shift = flow_shift_of(config, in.options), of_range = config.dynamic_shifting ? 1 : shift;
    const bool stretches = config.shift_terminal.value_or(0) != 0;
    std::vector<double> sigmas = flow_sigmas(in.steps, {.last = shifted_flow_sigma(1 / steps, of_range),
                                                        .shift = shift,
                                                        .terminal = stretches ? config.shift_terminal : std::nullopt});
    if (converts_sigmas(config)) {
        sigmas = converted_sigmas(config, in.steps, own_range(config, {sigmas.back(), sigmas.front()}));
    }
    std::vector<double> times;
    for (double& sigma : sigmas) {
        sigma = config.invert_sigmas ? 1 - sigma : sigma;
        times.push_back(sigma * steps);
    }
    return grid_of(times, sigmas, flow_level, flow_level(config.invert_sigmas ? 1 : 0));
}

/// The grid of consistency models.
[[nodiscard]] inline time_grid consistency_grid(const run_inputs& in) {
    const sigma_range range = own_range(in.config);
    const std::vector<double> all = karras_sigmas(in.config.train_timesteps, range, in.config.rho);
    const std::vector<isize> chosen = make_timesteps(in.config.train_timesteps, in.steps, timestep_spacing::leading);
    std::vector<double> sigmas;
    for (auto k = chosen.rbegin(); k != chosen.rend(); ++k) {
        sigmas.push_back(all[static_cast<std::size_t>(*k)]);
    }
    return grid_of(sigmas, sigmas, exploding_level, exploding_level(range.lowest));
}

/// The grid of ScoreSdeVeScheduler.
[[nodiscard]] inline time_grid exploding_grid(const run_inputs& in) {
    const sigma_range range = own_range(in.config);
    std::vector<double> times;
    for (isize k = 0; k < in.steps; ++k) {
        const double r = in.steps == 1 ? 0 : static_cast<double>(k) / static_cast<double>(in.steps - 1);
        times.push_back(range.lowest * std::pow(range.highest / range.lowest, 1 - r * (1 - in.config.sampling_eps)));
    }
    return grid_of(times, exponential_sigmas(in.steps, range), exploding_level, exploding_level(0));
}

/// The grid of EDM's schedulers. The end sigma_min is the config's, or the last σ of the grid.
[[nodiscard]] inline time_grid edm_grid(const run_inputs& in, bool ends_at_range) {
    const scheduler_config& config = in.config;
    const sigma_range range = own_range(config);
    const std::vector<double> sigmas = config.sigma_schedule == edm_sigma_schedule::karras
                                           ? karras_sigmas(in.steps, range, config.rho)
                                           : exponential_sigmas(in.steps, range);
    const double last = ends_at_range ? range.lowest : sigmas.back();
    return grid_of(sigmas, sigmas, exploding_level,
                   exploding_level(config.final_sigma == grid_end::zero_noise ? 0 : last));
}

// The standard deviation of the initial x.

[[nodiscard]] inline double unit_deviation(const scheduler_config&, const noise_level<double>&) { return 1; }
[[nodiscard]] inline double ratio_deviation(const scheduler_config& config, const noise_level<double>& level) {
    return config.spacing == timestep_spacing::leading ? 1 : level.sigma;
}
[[nodiscard]] inline double edm_deviation(const scheduler_config&, const noise_level<double>& level) {
    return std::hypot(level.sigma, 1);
}
[[nodiscard]] inline double sigma_deviation(const scheduler_config&, const noise_level<double>& level) {
    return level.sigma;
}

}  // namespace ddpm::diffusers::detail
