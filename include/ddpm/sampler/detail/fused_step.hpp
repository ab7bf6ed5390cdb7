// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/reverse_step.hpp>
#include <ddpm/sampler/plan.hpp>

#include <optional>
#include <vector>

namespace ddpm::detail {

/// What a one-step sampler does after an evaluation, as kernels::reverse_step takes it.
template <Scalar S>
struct fused_step {
    kernels::reverse_coefficients<S> coefficients;
    std::optional<isize> draw{};
};

/// The assignments after evaluation i, if they are a single one to x, from x, the estimates of that evaluation and at most
/// one draw.
template <Scalar S>
[[nodiscard]] std::optional<fused_step<S>> fused_step_of(const std::vector<assignment>& assignments, isize i,
                                                         const kernels::denoise_coefficients<S>& estimate) {
    if (assignments.size() != 1 || assignments[0].target != quantity::x) {
        return std::nullopt;
    }
    fused_step<S> step{.coefficients = {.estimate = estimate}};
    for (const term& t : assignments[0].terms) {
        const S factor = static_cast<S>(t.factor);
        if ((t.of == quantity::x0 || t.of == quantity::eps) && t.number != i) {
            return std::nullopt;
        }
        switch (t.of) {
            case quantity::x: step.coefficients.xt += factor; break;
            case quantity::x0: step.coefficients.x0 += factor; break;
            case quantity::eps: step.coefficients.eps += factor; break;
            case quantity::noise:
                if (step.draw) {
                    return std::nullopt;
                }
                step.draw = t.number;
                step.coefficients.sigma = factor;
                break;
            case quantity::base:
            case quantity::spread_noise: return std::nullopt;
        }
    }
    return step;
}

}  // namespace ddpm::detail
