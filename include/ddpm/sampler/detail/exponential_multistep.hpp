// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/detail/function_ref.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/grid/time_grid.hpp>
#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

namespace ddpm::detail {

/// The order of step k where the last step has order 1, the one before at most 2, and so on.
[[nodiscard]] inline isize order_before_end(isize order, const time_grid& grid, isize k) {
    return std::min(order, grid.steps() - k);
}

/// The same, in runs of fewer than 15 steps only.
/// @source Lu et al. 2022, arXiv 2211.01095, section 5.3, for the number; it counts the steps of the whole grid
[[nodiscard]] inline isize order_before_end_of_few(isize order, const time_grid& grid, isize k) {
    return grid.skipped() + grid.steps() < 15 ? order_before_end(order, grid, k) : order;
}

/// How one step is predicted, and then corrected by the estimate at its end.
struct multistep_options {
    isize predictor_order = 1;        ///< number of estimates, the newest ones
    isize corrector_order = 0;        ///< number of estimates, that at the end included; 0: none
    double tau = 0;                   ///< stochasticity
    std::optional<double> s_noise{};  ///< factor of the noise; with a value the step makes a draw, whatever τ
};

/// The plan of an exponential multistep method. Where steps are corrected, the state that the prediction starts from
/// stays in the base, where it is corrected at the next evaluation, with the same draw; x is the prediction. The last
/// step, and those that do not interpolate, are not corrected. `options_of(k)` are the multistep_options of step k.
[[nodiscard]] inline sampling_plan exponential_multistep_plan(const time_grid& grid, quantity integrand,
                                                              const moment_rule& rule,
                                                              function_ref<multistep_options(isize)> options_of) {
    struct taken_step {
        exponential_step step;
        multistep_options options;
        isize draw;

        [[nodiscard]] std::vector<term> terms(quantity state, std::span<const estimate> through,
                                              const moment_rule& by) const {
            auto sum = step.terms(state, through, by);
            if (options.s_noise) {
                sum.push_back(term::noise(draw, *options.s_noise * step.noise()));
            }
            return sum;
        }
    };
    sampling_plan plan(grid);
    estimate_history history;
    std::optional<taken_step> to_correct;
    for (isize k = 0; k < grid.steps(); ++k) {
        const auto &from = grid[k].level, &to = grid[k + 1].level;
        const isize evaluation = plan.evaluate(k, grid[k]);
        const quantity state = to_correct ? quantity::base : quantity::x;
        if (to_correct) {
            std::vector<estimate> through;
            for (const estimate& e : history.newest(to_correct->options.corrector_order - 1)) {
                through.push_back(e);
            }
            through.push_back({evaluation, half_log_snr(from)});
            plan.set(quantity::base, to_correct->terms(quantity::base, {through.data(), through.size()}, rule));
        }
        history.add(evaluation, from);
        const multistep_options options = options_of(k);
        const exponential_step step(from, to, integrand, options.tau);
        const bool corrects = options.corrector_order > 0 && k + 1 < grid.steps() && step.interpolates();
        if (corrects && !to_correct) {
            plan.set(quantity::base, {term::x(1)});
        }
        const taken_step now{step, options, options.s_noise ? plan.draw(from, to) : 0};
        plan.set(quantity::x, now.terms(state, history.newest(options.predictor_order), rule));
        to_correct.reset();
        if (corrects) {
            to_correct.emplace(now);
        }
    }
    return plan;
}

}  // namespace ddpm::detail
