// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/diffusers/detail/scheduler_timesteps.hpp>
#include <ddpm/diffusers/scheduler_values.hpp>
#include <ddpm/sampler/ipndm.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/gaussian_chain.hpp>
#include <ddpm/schedule/noise_schedule.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace ddpm::diffusers::detail {

// The plans of classes whose steps differ from those of this library's samplers.

/// ᾱ_t; for t < 0 that of the end: 1, or ᾱ_0 if set_alpha_to_one is false.
template <NoiseSchedule Schedule>
[[nodiscard]] real_of<Schedule> alpha_bar_or_end(const scheduler_config& config, const Schedule& schedule, isize t) {
    return t >= 0 ? schedule.alpha_bar(t) : config.end_at_clean ? real_of<Schedule>{1} : schedule.alpha_bar(0);
}

template <std::floating_point Real>
[[nodiscard]] noise_level<double> level_of(Real alpha_bar) {
    const auto [signal, sigma] = noise_level_of(alpha_bar);
    return {static_cast<double>(signal), static_cast<double>(sigma)};
}

/// β_t if the schedule has a member beta, otherwise `unknown`.
template <NoiseSchedule Schedule>
[[nodiscard]] real_of<Schedule> beta_or(const Schedule& schedule, isize t, real_of<Schedule> unknown) {
    if constexpr (requires {
                      { schedule.beta(t) } -> std::same_as<real_of<Schedule>>;
                  }) {
        return schedule.beta(t);
    } else {
        return unknown;
    }
}

/// The kind of a learned variance; empty for a fixed one. `learned` is a log-variance, which diffusers uses as a
/// variance.
[[nodiscard]] inline std::optional<reverse_variance> head_of(scheduler_variance variance) {
    return variance == scheduler_variance::learned         ? std::optional(reverse_variance::learned)
           : variance == scheduler_variance::learned_range ? std::optional(reverse_variance::learned_range)
                                                           : std::nullopt;
}

template <NoiseSchedule Schedule>
void add_ddpm_step(sampling_plan& plan, const scheduler_config& config, const Schedule& schedule, bool is_unclip,
                   isize k, isize t, isize s) {
    using real = real_of<Schedule>;
    auto posterior = posterior_at(schedule, s, t);
    if (is_unclip) {
        // The same numbers up to rounding: UnCLIP uses β from its table, and α = 1 − β.
        const real before = alpha_bar_or_one(schedule, s), now = schedule.alpha_bar(t);
        const real beta = s == t - 1 ? beta_or(schedule, t, 1 - now / before) : 1 - now / before;
        posterior = posterior_between(before, now, 1 - beta, beta);
    }
    const real large = transition_at(schedule, s, t).variance;
    const real beta_tilde = std::max(posterior.variance, static_cast<real>(smallest_variance));
    const isize e = plan.evaluate(k, plan.grid()[k]);
    std::vector<term> terms{term::x0(e, static_cast<double>(posterior.x0)), term::x(static_cast<double>(posterior.xt))};
    if (t > 0) {
        const isize z = plan.draw(plan.grid()[k].level, plan.grid()[k + 1].level);
        if (const auto head = head_of(config.variance)) {
            plan.spread({*head, static_cast<double>(std::log(beta_tilde)), static_cast<double>(std::log(large)),
                         static_cast<double>(beta_tilde), static_cast<double>(posterior.x0)});
            terms.push_back(term::spread_noise(z, 1));
        } else {
            // Also fixed_large_log, for which diffusers takes the square root of a negative logarithm.
            const bool is_large = config.variance == scheduler_variance::fixed_large ||
                                  config.variance == scheduler_variance::fixed_large_log;
            terms.push_back(term::noise(z, static_cast<double>(std::sqrt(is_large ? large : beta_tilde))));
        }
    }
    plan.set(quantity::x, std::move(terms));
}

/// A step of DDIM from t to s. It draws noise if η > 0 or `draws`.
template <NoiseSchedule Schedule>
void add_ddim_step(sampling_plan& plan, const scheduler_config& config, const Schedule& schedule, double eta, isize k,
                   const grid_point& at, isize t, isize s, bool draws = false) {
    using real = real_of<Schedule>;
    const real alpha_bar_t = schedule.alpha_bar(t);
    const real alpha_bar_s = alpha_bar_or_end(config, schedule, s);
    const real variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s);
    const real sigma = static_cast<real>(eta) * std::sqrt(std::max(real{0}, variance));
    const real direction = std::sqrt(std::max(real{0}, 1 - alpha_bar_s - sigma * sigma));
    const isize e = plan.evaluate(k, at);
    std::vector<term> terms{term::x0(e, static_cast<double>(std::sqrt(alpha_bar_s))),
                            term::eps(e, static_cast<double>(direction))};
    if (eta > 0 || draws) {
        const isize z = plan.draw(at.level, level_of(alpha_bar_s));
        terms.push_back(term::noise(z, static_cast<double>(sigma)));
    }
    plan.set(quantity::x, std::move(terms));
}

/// DDIM's inverse steps: a step to timestep t starts at t − ⌊T/n⌋, and the network is given t.
template <NoiseSchedule Schedule>
[[nodiscard]] sampling_plan ddim_inverse_plan(const scheduler_config& config, const Schedule& schedule, isize count) {
    std::vector<isize> timesteps = spaced_timesteps(config, count);
    std::reverse(timesteps.begin(), timesteps.end());
    std::vector<grid_point> points;
    for (const isize t : timesteps) {
        const isize before = t - config.train_timesteps / count;
        points.push_back({static_cast<double>(t), level_of(alpha_bar_or_end(config, schedule, before))});
    }
    points.push_back({-1, level_of(schedule.alpha_bar(timesteps.back()))});
    sampling_plan plan((time_grid(std::move(points))));
    for (isize k = 0; k < count; ++k) {
        const isize e = plan.evaluate(k, plan.grid()[k]);
        const noise_level<double> to = level_of(schedule.alpha_bar(timesteps[static_cast<std::size_t>(k)]));
        plan.set(quantity::x, {term::x0(e, to.signal), term::eps(e, to.sigma)});
    }
    return plan;
}

/// The plan of `ipndm`, but a first step from α = 0 has no x_0 term, since diffusers' (x − ε̂)/10⁻⁸ is 0 there.
[[nodiscard]] inline sampling_plan ipndm_plan(const time_grid& grid) {
    const sampling_plan whole = ipndm{}.plan(grid);
    sampling_plan plan(grid);
    for (const stage& at : whole.stages()) {
        plan.evaluate(at.step, {at.t, at.level});
        for (const assignment& a : at.then) {
            std::vector<term> terms;
            for (const term& t : a.terms) {
                if (t.of != quantity::x0 || at.step > 0 || at.level.signal > 0) {
                    terms.push_back(t);
                }
            }
            plan.set(a.target, std::move(terms));
        }
    }
    return plan;
}

/// The steps of RePaint, for use with `inpaint`: DDIM steps with η, and forward steps one timestep at a time, with the
/// β that diffusers uses.
template <NoiseSchedule Schedule>
[[nodiscard]] sampling_plan repaint_plan(const scheduler_config& config, const Schedule& schedule, isize count,
                                         const scheduler_run_options& options) {
    if (options.jump_length < 1 || options.jump_count < 1) {
        throw value_error("make_scheduler_run", "jump_length and jump_count", ">= 1",
                          ddpm::detail::text(options.jump_length, ", ", options.jump_count));
    }
    const std::vector<isize> falling = make_timesteps(config.train_timesteps, count, timestep_spacing::leading);
    const isize stride = config.train_timesteps / count;
    sampling_plan plan(make_grid(schedule, falling));
    std::vector<isize> jumps(static_cast<std::size_t>(count), 0);
    for (isize j = 0; j < count - options.jump_length; j += options.jump_length) {
        jumps[static_cast<std::size_t>(j)] = options.jump_count - 1;
    }
    isize step = 0;
    for (isize j = count - 1; j >= 0; --j) {
        const isize k = count - 1 - j, t = j * stride;
        // diffusers draws at every step, for the known region of the image.
        add_ddim_step(plan, config, schedule, config.eta, step++, plan.grid()[k], t, t - stride, true);
        isize& left = jumps[static_cast<std::size_t>(j)];
        if (left > 0) {
            --left;
            for (isize up = 0; up < options.jump_length; ++up) {
                for (isize i = 0; i < stride; ++i) {
                    const double beta = static_cast<double>(schedule.beta((j + up) * stride + i));
                    plan.renoise(plan.grid()[k].level, plan.grid()[k].level, std::sqrt(1 - beta), std::sqrt(beta));
                }
            }
            j += options.jump_length;
        }
    }
    return plan;
}

}  // namespace ddpm::diffusers::detail
