// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/diffusers/scheduler_config.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/sampler/sample.hpp>
#include <ddpm/schedule/beta.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/noise_schedule.hpp>
#include <ddpm/schedule/timesteps.hpp>

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

/// ᾱ at time u of `laplace`.
[[nodiscard]] inline double laplace_alpha_bar(double u) {
    const double half = std::copysign(0.5, 0.5 - u);
    const double snr = std::exp(-half * std::log(1 - 2 * std::abs(0.5 - u) + 1e-6));
    return std::sqrt(snr / (1 + snr));
}

/// Rescales β so that ᾱ_{T−1} is 0 and ᾱ_0 stays.
/// @source Lin et al. 2023, arXiv 2305.08891, algorithm 1
template <std::floating_point Real>
void rescale_to_zero_snr(std::vector<Real>& betas) {
    std::vector<Real> roots;
    double product = 1;
    for (const Real beta : betas) {
        product *= static_cast<double>(1 - beta);
        roots.push_back(std::sqrt(static_cast<Real>(product)));
    }
    const Real first = roots.front(), last = roots.back();
    Real before = 1;
    for (std::size_t t = 0; t < betas.size(); ++t) {
        const Real root = (roots[t] - last) * (first / (first - last));
        const Real alpha_bar = root * root;
        betas[t] = 1 - alpha_bar / before;
        before = alpha_bar;
    }
}

/// β_0 … β_{T−1}, rounded as torch rounds them if Real is float.
template <std::floating_point Real>
[[nodiscard]] std::vector<Real> betas_of(const scheduler_config& config) {
    const index steps = config.train_timesteps;
    const auto curve = [&](index t) -> Real {
        switch (config.curve) {
            case beta_curve::linear:
                break;
            case beta_curve::scaled_linear: {
                const Real root =
                    linear_beta{std::sqrt(config.beta_start), std::sqrt(config.beta_end)}.operator()<Real>(t, steps);
                return root * root;
            }
            case beta_curve::squaredcos_cap_v2:
                return static_cast<Real>(cosine_beta{}(t, steps));
            case beta_curve::sigmoid: {
                const Real x = linear_beta{-6, 6}.operator()<Real>(t, steps);
                return 1 / (1 + std::exp(-x)) * static_cast<Real>(config.beta_end - config.beta_start) +
                       static_cast<Real>(config.beta_start);
            }
            case beta_curve::laplace: {
                const double count = static_cast<double>(steps);
                const double before = laplace_alpha_bar(static_cast<double>(t) / count);
                const double after = laplace_alpha_bar(static_cast<double>(t + 1) / count);
                return static_cast<Real>(std::min(1 - after / before, 0.999));
            }
        }
        return linear_beta{config.beta_start, config.beta_end}.operator()<Real>(t, steps);
    };
    std::vector<Real> betas;
    for (index t = 0; t < steps; ++t) {
        const bool is_trained = !config.trained_betas.empty();
        betas.push_back(is_trained ? static_cast<Real>(config.trained_betas.at(static_cast<std::size_t>(t))) : curve(t));
    }
    if (config.zero_terminal_snr) {
        rescale_to_zero_snr(betas);
    }
    return betas;
}

}  // namespace detail

/// The noise schedule of a scheduler: in double, or with float32_tables with torch's rounding, for parity.
/// @throws value_error if there are not T trained β, or a β or ᾱ is outside its domain
template <TablePolicy Tables = exact_tables>
[[nodiscard]] noise_schedule<Tables> make_schedule(const scheduler_config& config) {
    if (!config.trained_betas.empty() && static_cast<index>(config.trained_betas.size()) != config.train_timesteps) {
        throw value_error("make_schedule", "number of trained betas", config.train_timesteps,
                          config.trained_betas.size());
    }
    const auto betas = detail::betas_of<typename Tables::real>(config);
    return noise_schedule<Tables>([&](index t, index) { return betas[static_cast<std::size_t>(t)]; },
                                  config.train_timesteps);
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

/// A sampler that takes the steps of a scheduler as diffusers takes them. Where they are not those of `ancestral` and
/// `ddim`: DDPM draws noise on every step that begins at t > 0, the last one too; DDIM steps back by ⌊T/n⌋ from each
/// timestep, wherever the next one is.
struct scheduler_sampler {
    scheduler_config config{};
    double eta = 0;  ///< of DDIM

    /// The plan over falling timesteps.
    /// @units timesteps are 0-based
    /// @throws value_error unless the timesteps fall strictly within 0 … T − 1 and 0 ≤ η ≤ 1, or if the variance is
    /// learned
    template <NoiseSchedule Schedule>
    [[nodiscard]] one_step_plan plan(const Schedule& schedule, std::span<const index> timesteps) const {
        require_timesteps("scheduler_sampler", timesteps, schedule.steps());
        if (!(eta >= 0 && eta <= 1)) {
            throw value_error("scheduler_sampler", "eta", "0 <= eta <= 1", eta);
        }
        std::vector<update_step> steps;
        steps.reserve(timesteps.size());
        for (std::size_t k = 0; k < timesteps.size(); ++k) {
            const index t = timesteps[k];
            if (config.kind == scheduler_kind::ddpm) {
                steps.push_back(ddpm_step(schedule, t, k + 1 < timesteps.size() ? timesteps[k + 1] : clean));
            } else {
                steps.push_back(ddim_step(schedule, t, t - schedule.steps() / static_cast<index>(timesteps.size())));
            }
        }
        return one_step_plan(std::move(steps));
    }

private:
    template <NoiseSchedule Schedule>
    [[nodiscard]] update_step ddpm_step(const Schedule& schedule, index t, index s) const {
        using real = real_of<Schedule>;
        const auto level = marginal_at(schedule, t);
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
                throw value_error("scheduler_sampler", "variance", "a fixed one",
                                  detail::name_in(detail::variance_names(), config.variance));
        }
        return {.t = t,
                .level = {static_cast<double>(level.signal), static_cast<double>(level.sigma)},
                .x0 = static_cast<double>(posterior.x0),
                .xt = static_cast<double>(posterior.xt),
                .eps = 0,
                .sigma = t > 0 ? static_cast<double>(std::sqrt(variance)) : 0};
    }

    template <NoiseSchedule Schedule>
    [[nodiscard]] update_step ddim_step(const Schedule& schedule, index t, index s) const {
        using real = real_of<Schedule>;
        const real alpha_bar_t = schedule.alpha_bar(t);
        const real alpha_bar_s = s >= 0 ? schedule.alpha_bar(s) : config.end_at_clean ? real{1} : schedule.alpha_bar(0);
        const auto level = marginal_of(alpha_bar_t);
        const real variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s);
        const real sigma = static_cast<real>(eta) * std::sqrt(std::max(real{0}, variance));
        return {.t = t,
                .level = {static_cast<double>(level.signal), static_cast<double>(level.sigma)},
                .x0 = static_cast<double>(std::sqrt(alpha_bar_s)),
                .xt = 0,
                .eps = static_cast<double>(std::sqrt(std::max(real{0}, 1 - alpha_bar_s - sigma * sigma))),
                .sigma = static_cast<double>(sigma)};
    }
};

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
