// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/timesteps.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace ddpm {

/// DDIM: x_s = √ᾱ_s x̂_0 + √(1 − ᾱ_s − σ²) ε̂ + σ z with σ = η √((1 − ᾱ_s)/(1 − ᾱ_t)) √(1 − ᾱ_t/ᾱ_s). η = 0 draws no noise; η = 1
/// over all timesteps is the ancestral sampler with `fixed_small` variance.
/// @source Song et al. 2020, arXiv 2010.02502, equations 12 and 16
struct ddim {
    double eta = 0;             ///< in [0, 1]
    bool end_at_clean = true;   ///< the last step goes to ᾱ = 1; otherwise to ᾱ_0 (set_alpha_to_one of diffusers)

    /// The plan over falling timesteps; each step goes to the next one in the list.
    /// @units timesteps are 0-based
    /// @throws value_error unless 0 ≤ η ≤ 1 and the timesteps fall strictly within 0 … T − 1
    template <NoiseSchedule Schedule>
    [[nodiscard]] one_step_plan plan(const Schedule& schedule, std::span<const index> timesteps) const {
        using real = real_of<Schedule>;
        if (!(eta >= 0 && eta <= 1)) {
            throw value_error("ddim", "eta", "0 <= eta <= 1", eta);
        }
        require_timesteps("ddim", timesteps, schedule.steps());
        const real last = end_at_clean ? real{1} : schedule.alpha_bar(0);
        std::vector<update_step> steps;
        steps.reserve(timesteps.size());
        for (std::size_t k = 0; k < timesteps.size(); ++k) {
            const index t = timesteps[k];
            const real alpha_bar_t = schedule.alpha_bar(t);
            const real alpha_bar_s = k + 1 < timesteps.size() ? schedule.alpha_bar(timesteps[k + 1]) : last;
            const auto level = marginal_of(alpha_bar_t);
            const real variance = (1 - alpha_bar_s) / (1 - alpha_bar_t) * (1 - alpha_bar_t / alpha_bar_s);
            const real sigma = static_cast<real>(eta) * std::sqrt(std::max(real{0}, variance));
            steps.push_back({.t = t,
                             .level = {static_cast<double>(level.signal), static_cast<double>(level.sigma)},
                             .x0 = static_cast<double>(std::sqrt(alpha_bar_s)),
                             .xt = 0,
                             .eps = static_cast<double>(std::sqrt(std::max(real{0}, 1 - alpha_bar_s - sigma * sigma))),
                             .sigma = static_cast<double>(sigma)});
        }
        return one_step_plan(std::move(steps));
    }
};

}  // namespace ddpm
