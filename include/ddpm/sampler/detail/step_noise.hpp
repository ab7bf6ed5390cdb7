// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/process/variance.hpp>
#include <ddpm/sampler/plan.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace ddpm::detail {

/// What a draw is to the step that makes it: the step's result is a mean plus deviation · z, where a head multiplies the
/// deviation by its own, element by element. The variance Σ of a step is the sum of the squares over its draws.
struct step_noise {
    double deviation = 0;
    const head_variance* head = nullptr;  ///< of the plan, which must outlive it

    friend bool operator==(const step_noise&, const step_noise&) = default;
};

/// The noise of each draw of a plan, the step's estimates of x_0 and ε being given: what its factor in x is at the end of all
/// evaluations of the step, whether it comes there at once, through `base`, or through an x in between. It is 0 for a draw
/// that only moves the point of an evaluation within the step, and for those of the forward process (churn, the jumps back of
/// `repaint`), which come after the step of the reverse chain.
/// @returns one for each draw
[[nodiscard]] inline std::vector<step_noise> step_noise_of(const sampling_plan& plan) {
    constexpr isize unused = -2;
    struct noise_of_draw {
        isize draw;
        step_noise noise;
    };
    using noise_by_draw = std::vector<noise_of_draw>;
    const auto add = [](noise_by_draw& sum, isize draw, double deviation, const head_variance* head) {
        std::size_t at = 0;
        while (at < sum.size() && sum[at].draw != draw) {
            ++at;
        }
        if (at == sum.size()) {
            sum.push_back({draw, {}});
        }
        sum[at].noise = {sum[at].noise.deviation + deviation, head};
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
                for (const auto& [draw, noise] : t.of == quantity::x ? x : base) {
                    add(sum, draw, t.factor * noise.deviation, noise.head);
                }
            } else if ((t.of == quantity::noise || t.of == quantity::spread_noise) && is_of(t.number, step)) {
                const bool spreads = t.of == quantity::spread_noise && evaluation != nullptr && evaluation->variance;
                add(sum, t.number, t.factor, spreads ? &*evaluation->variance : nullptr);
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
            x.clear();
            base.clear();
        }
        for (const assignment& a : stages[i].then) {
            assign(a, step, &stages[i]);
        }
        if (i + 1 == stages.size() || stages[i + 1].step != step) {
            double kept = 1;  // of the step's result, by steps of the forward process after it
            for (const auto& [draw, noise] : x) {
                kept *= plan.draws()[static_cast<std::size_t>(draw)].kept.value_or(1);
            }
            for (const auto& [draw, noise] : x) {
                if (!plan.draws()[static_cast<std::size_t>(draw)].kept) {
                    found[static_cast<std::size_t>(draw)] = {noise.deviation / kept, noise.head};
                }
            }
        }
    }
    return found;
}

}  // namespace ddpm::detail
