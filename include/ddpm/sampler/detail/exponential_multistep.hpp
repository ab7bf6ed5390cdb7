// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/detail/exponential_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// The order of step k if the last step has order 1, the one before at most 2, and so on.
[[nodiscard]] inline isize order_before_end(isize order, const time_grid& grid, isize k) {
    return std::min(order, grid.steps() - k);
}

/// As above in runs of fewer than 15 steps, otherwise `order`.
/// @source Lu et al. 2022, arXiv 2211.01095, section 5.3; the number counts the steps of the whole grid
[[nodiscard]] inline isize order_before_end_of_few(isize order, const time_grid& grid, isize k) {
    return grid.skipped() + grid.steps() < 15 ? order_before_end(order, grid, k) : order;
}

/// Options of one step, a predictor and an optional corrector.
struct multistep_options {
    isize predictor_order = 1;        ///< number of estimates, the newest ones
    isize corrector_order = 0;        ///< number of estimates, including that at the end; 0: no corrector
    double tau = 0;                   ///< stochasticity
    std::optional<double> s_noise{};  ///< factor of the noise; with a value the step makes a draw even if τ = 0
};

/// Builds the plan of an exponential multistep method step by step. The predictor's result is x. If the step has a
/// corrector, the state at its start stays in the base, and is replaced by the corrected state after the next
/// evaluation, with the same draw. The last step, and steps that do not interpolate, have no corrector.
class multistep_planner {
public:
    multistep_planner(const time_grid& grid, quantity integrand, const moment_rule& rule)
        : plan_(grid), integrand_(integrand), rule_(rule) {}

    /// Adds the next step of the grid.
    void step(const multistep_options& options) {
        const time_grid& grid = plan_.grid();
        const noise_level<double>&from = grid[step_].level, &to = grid[step_ + 1].level;
        const isize evaluation = plan_.evaluate(step_, grid[step_]);
        const quantity state = to_correct_ ? quantity::base : quantity::x;
        if (to_correct_) {
            std::vector<estimate> through;
            for (const estimate& e : history_.newest(to_correct_->options.corrector_order - 1)) {
                through.push_back(e);
            }
            through.push_back({evaluation, half_log_snr(from)});
            plan_.set(quantity::base, terms(*to_correct_, quantity::base, {through.data(), through.size()}));
        }
        history_.add(evaluation, from);
        const exponential_step step(from, to, integrand_, options.tau);
        const bool corrects = options.corrector_order > 0 && step_ + 1 < grid.steps() && step.interpolates();
        if (corrects && !to_correct_) {
            plan_.set(quantity::base, {term::x(1)});
        }
        const taken_step now{step, options, options.s_noise ? plan_.draw(from, to) : 0};
        plan_.set(quantity::x, terms(now, state, history_.newest(options.predictor_order)));
        to_correct_.reset();
        if (corrects) {
            to_correct_.emplace(now);
        }
        ++step_;
    }

    /// The plan of the steps so far.
    [[nodiscard]] sampling_plan plan() && { return std::move(plan_); }

private:
    struct taken_step {
        exponential_step step;
        multistep_options options;
        isize draw;
    };

    [[nodiscard]] std::vector<term> terms(const taken_step& taken, quantity state,
                                          std::span<const estimate> through) const {
        std::vector<term> sum = taken.step.terms(state, through, rule_);
        if (taken.options.s_noise) {
            sum.push_back(term::noise(taken.draw, *taken.options.s_noise * taken.step.noise()));
        }
        return sum;
    }

    sampling_plan plan_;
    quantity integrand_;
    moment_rule rule_;
    estimate_history history_;
    std::optional<taken_step> to_correct_;
    isize step_ = 0;
};

}  // namespace ddpm::detail
