// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/plan.hpp>
#include <ddpm/schedule/concept.hpp>
#include <ddpm/schedule/timesteps.hpp>

#include <cmath>
#include <span>
#include <vector>

namespace ddpm {

/// The reverse chain of DDPM: x_s is drawn from q(x_s|x_t, x̂_0), with a fixed variance. The last step, to x_0, draws nothing.
/// @source Ho et al. 2020, arXiv 2006.11239, algorithm 2
struct ancestral {
    reverse_variance variance = reverse_variance::fixed_small;

    /// The plan over falling timesteps; each step goes to the next one in the list, the last to x_0.
    /// @units timesteps are 0-based
    /// @throws value_error unless the timesteps fall strictly within 0 … T − 1
    template <NoiseSchedule Schedule>
    [[nodiscard]] one_step_plan plan(const Schedule& schedule, std::span<const index> timesteps) const {
        require_timesteps("ancestral", timesteps, schedule.steps());
        std::vector<update_step> steps;
        steps.reserve(timesteps.size());
        for (std::size_t k = 0; k < timesteps.size(); ++k) {
            const index t = timesteps[k];
            const index s = k + 1 < timesteps.size() ? timesteps[k + 1] : clean;
            const auto level = marginal_at(schedule, t);
            const auto posterior = posterior_at(schedule, s, t);
            const auto sigma = s == clean ? real_of<Schedule>{0} : std::sqrt(reverse_variance_at(schedule, variance, t, s));
            steps.push_back({.t = t,
                             .level = {static_cast<double>(level.signal), static_cast<double>(level.sigma)},
                             .x0 = static_cast<double>(posterior.x0),
                             .xt = static_cast<double>(posterior.xt),
                             .eps = 0,
                             .sigma = static_cast<double>(sigma)});
        }
        return one_step_plan(std::move(steps));
    }
};

}  // namespace ddpm
