// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/alpha_bar_curve.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/timesteps.hpp>
#include <ddpm/schedule/zero_terminal_snr.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::diffusers {

namespace detail {

/// The β of a scheduler before any rescaling, in float rounded as torch rounds them.
struct scheduler_beta {
    const scheduler_config& config;

    template <std::floating_point Real = double>
    [[nodiscard]] Real operator()(index t, index steps) const {
        if (!config.trained_betas.empty()) {
            return static_cast<Real>(config.trained_betas.at(static_cast<std::size_t>(t)));
        }
        switch (config.curve) {
            case beta_curve::linear:
                break;
            case beta_curve::scaled_linear:
                return scaled_linear_beta{config.beta_start, config.beta_end}.operator()<Real>(t, steps);
            case beta_curve::squaredcos_cap_v2:
                return static_cast<Real>(cosine_beta{}(t, steps));
            case beta_curve::sigmoid:
                return sigmoid_beta{config.beta_start, config.beta_end}.operator()<Real>(t, steps);
            case beta_curve::laplace:
                return static_cast<Real>(alpha_bar_beta{laplace_alpha_bar{}}(t, steps));
        }
        return linear_beta{config.beta_start, config.beta_end}.operator()<Real>(t, steps);
    }
};

}  // namespace detail

/// The noise schedule of a scheduler: in double, or with float32_tables with torch's rounding, for parity.
/// @throws value_error if there are not T trained β, or a β or ᾱ is outside its domain
template <TablePolicy Tables = exact_tables>
[[nodiscard]] noise_schedule<Tables> make_schedule(const scheduler_config& config) {
    if (!config.trained_betas.empty() && static_cast<index>(config.trained_betas.size()) != config.train_timesteps) {
        throw value_error("make_schedule", "number of trained betas", config.train_timesteps,
                          config.trained_betas.size());
    }
    const detail::scheduler_beta beta{config};
    const index steps = config.train_timesteps;
    return config.zero_terminal_snr
               ? noise_schedule<Tables>(zero_terminal_snr<typename Tables::real>(beta, steps), steps)
               : noise_schedule<Tables>(beta, steps);
}

/// The timesteps of a run of `count` steps, the noisiest first.
/// @units timesteps are 0-based
/// @throws value_error unless 1 ≤ count ≤ T, or where the offset leads beyond T − 1
[[nodiscard]] inline std::vector<index> scheduler_timesteps(const scheduler_config& config, index count) {
    std::vector<index> timesteps = make_timesteps(config.train_timesteps, count, config.spacing);
    if (config.spacing == timestep_spacing::leading) {
        for (index& t : timesteps) {
            t += config.steps_offset;
        }
    }
    require_timesteps("scheduler_timesteps", timesteps, config.train_timesteps);
    return timesteps;
}

namespace detail {

template <NoiseSchedule Schedule>
void add_ddpm_step(sampling_plan& plan, const scheduler_config& config, const Schedule& schedule, index k, index t,
                   index s) {
    using real = real_of<Schedule>;
    const auto posterior = posterior_at(schedule, s, t);
    real variance = std::max(posterior.variance, static_cast<real>(smallest_variance));
    switch (config.variance) {
        case scheduler_variance::fixed_small:
        case scheduler_variance::fixed_small_log:
            break;
        case scheduler_variance::fixed_large:
        // Where diffusers takes the root of a negative logarithm.
        case scheduler_variance::fixed_large_log:
            variance = transition_at(schedule, s, t).variance;
            break;
        case scheduler_variance::learned:
        case scheduler_variance::learned_range:
            throw value_error("scheduler_plan", "variance", "a fixed one", name_in(variance_names(), config.variance));
    }
    const index e = plan.evaluate(k, plan.grid()[k]);
    std::vector<term> terms{term::x0(e, static_cast<double>(posterior.x0)), term::x(static_cast<double>(posterior.xt))};
    if (t > 0) {
        const index z = plan.draw(plan.grid()[k].level, plan.grid()[k + 1].level);
        terms.push_back(term::noise(z, static_cast<double>(std::sqrt(variance))));
    }
    plan.set(quantity::x, std::move(terms));
}

template <NoiseSchedule Schedule>
void add_ddim_step(sampling_plan& plan, const scheduler_config& config, const Schedule& schedule, double eta, index k,
                   index t, index s) {
    using real = real_of<Schedule>;
    const real alpha_bar_t = schedule.alpha_bar(t);
    const real alpha_bar_s = s >= 0 ? schedule.alpha_bar(s) : config.end_at_clean ? real{1} : schedule.alpha_bar(0);
    const real variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s);
    const real sigma = static_cast<real>(eta) * std::sqrt(std::max(real{0}, variance));
    const real direction = std::sqrt(std::max(real{0}, 1 - alpha_bar_s - sigma * sigma));
    const index e = plan.evaluate(k, plan.grid()[k]);
    std::vector<term> terms{term::x0(e, static_cast<double>(std::sqrt(alpha_bar_s))),
                            term::eps(e, static_cast<double>(direction))};
    if (eta > 0) {
        const index z = plan.draw(plan.grid()[k].level, plan.grid()[k + 1].level);
        terms.push_back(term::noise(z, static_cast<double>(sigma)));
    }
    plan.set(quantity::x, std::move(terms));
}

}  // namespace detail

/// The steps of a scheduler as diffusers takes them, over falling timesteps. Where they are not those of `ancestral` and
/// `ddim`: DDPM draws noise on every step that begins at t > 0, the last one too; DDIM steps back by ⌊T/n⌋ from each
/// timestep, wherever the next one is.
/// @units timesteps are 0-based
/// @throws value_error unless the timesteps fall strictly within 0 … T − 1 and 0 ≤ η ≤ 1, or if the variance is learned
template <NoiseSchedule Schedule>
[[nodiscard]] sampling_plan scheduler_plan(const scheduler_config& config, const Schedule& schedule,
                                           std::span<const index> timesteps, double eta = 0) {
    if (!(eta >= 0 && eta <= 1)) {
        throw value_error("scheduler_plan", "eta", "0 <= eta <= 1", eta);
    }
    sampling_plan plan(make_grid(schedule, timesteps));
    const index count = plan.grid().steps();
    for (index k = 0; k < count; ++k) {
        const index t = timesteps[static_cast<std::size_t>(k)];
        if (config.kind == scheduler_kind::ddpm) {
            const index s = k + 1 < count ? timesteps[static_cast<std::size_t>(k + 1)] : clean;
            detail::add_ddpm_step(plan, config, schedule, k, t, s);
        } else {
            detail::add_ddim_step(plan, config, schedule, eta, k, t, t - schedule.steps() / count);
        }
    }
    return plan;
}

/// What `sample` has to be told so that it does what the scheduler says: the timesteps of `steps` steps (0: all) and
/// the clip.
/// @throws value_error as scheduler_timesteps
[[nodiscard]] inline sample_options scheduler_options(const scheduler_config& config, index steps) {
    const index count = steps == 0 ? config.train_timesteps : steps;
    sample_options options;
    options.steps = count;
    options.timesteps = scheduler_timesteps(config, count);
    options.clip_x0 = config.clip ? std::optional<double>(config.clip_range) : std::nullopt;
    return options;
}

}  // namespace ddpm::diffusers
