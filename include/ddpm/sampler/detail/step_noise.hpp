// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/sampler/plan.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// The factor of a draw z in its step: the step's result is a mean plus deviation · z. With a head, each element's
/// deviation is also multiplied by the standard deviation from the head. The variance Σ of a step is the sum of the
/// squared deviations of its draws.
struct step_noise {
    double deviation = 0;
    const head_variance* head = nullptr;  ///< of the plan, which must outlive it

    friend bool operator==(const step_noise&, const step_noise&) = default;
};

/// The step_noise of each draw of a plan: its factor in x after the step's last evaluation, with the step's estimates
/// of x_0 and ε as constants, whether the draw is added to x directly, through `base`, or through an intermediate x.
/// The factor is 0 for a draw that only affects where the network is evaluated within the step, and for draws of the
/// forward process (churn, `repaint`).
/// @returns one for each draw
[[nodiscard]] inline std::vector<step_noise> step_noise_of(const sampling_plan& plan) {
    constexpr isize unused = -2;
    struct noise_by_draw {
        std::vector<isize> draws;
        std::vector<step_noise> noise;  // of each

        void add(isize draw, double deviation, const head_variance* head) {
            std::size_t at = 0;
            while (at < draws.size() && draws[at] != draw) {
                ++at;
            }
            if (at == draws.size()) {
                draws.push_back(draw);
                noise.push_back({});
            }
            noise[at] = {noise[at].deviation + deviation, head};
        }
    };
    std::vector<step_noise> found(plan.draws().size());
    std::vector<isize> drawn_at(found.size(), unused);  // the step of its first use; −1: before the first evaluation
    noise_by_draw x, base;                              // of the draws of this step
    const auto is_of = [&](isize draw, isize step) {
        isize& at = drawn_at[static_cast<std::size_t>(draw)];
        at = at == unused ? step : at;
        return at == step;
    };
    const auto assign = [&](const assignment& a, isize step, const stage* evaluation) {
        noise_by_draw sum;
        for (const term& t : a.terms) {
            if (t.of == quantity::x || t.of == quantity::base) {
                const noise_by_draw& of = t.of == quantity::x ? x : base;
                for (std::size_t i = 0; i < of.draws.size(); ++i) {
                    sum.add(of.draws[i], t.factor * of.noise[i].deviation, of.noise[i].head);
                }
            } else if ((t.of == quantity::noise || t.of == quantity::spread_noise) && is_of(t.number, step)) {
                const bool spreads = t.of == quantity::spread_noise && evaluation != nullptr && evaluation->variance;
                sum.add(t.number, t.factor, spreads ? &*evaluation->variance : nullptr);
            }
        }
        (a.target == quantity::x ? x : base) = std::move(sum);
    };
    for (const assignment& a : plan.before()) {
        assign(a, -1, nullptr);
    }
    const std::vector<stage>& stages = plan.stages();
    for (std::size_t i = 0; i < stages.size(); ++i) {
        const isize step = stages[i].step;
        if (i == 0 || stages[i - 1].step != step) {
            x = {};
            base = {};
        }
        for (const assignment& a : stages[i].then) {
            assign(a, step, &stages[i]);
        }
        if (i + 1 == stages.size() || stages[i + 1].step != step) {
            double kept = 1;  // of the step's result, by steps of the forward process after it
            for (const isize draw : x.draws) {
                kept *= plan.draws()[static_cast<std::size_t>(draw)].kept.value_or(1);
            }
            for (std::size_t j = 0; j < x.draws.size(); ++j) {
                const auto draw = static_cast<std::size_t>(x.draws[j]);
                if (!plan.draws()[draw].kept) {
                    found[draw] = {x.noise[j].deviation / kept, x.noise[j].head};
                }
            }
        }
    }
    return found;
}

}  // namespace ddpm::detail
