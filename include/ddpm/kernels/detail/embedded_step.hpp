// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/detail/wide.hpp>

namespace ddpm::kernels::detail {

/// The factors of an end of a solver's step: x · x_old + eps · ε̂ + later · ε̂_later.
template <Scalar S>
struct step_end {
    S x = 0;
    S eps = 0;
    S later = 0;
};

/// The tolerated error: max(absolute, relative · size of the values).
struct error_tolerance {
    double absolute;
    double relative;
};

/// The last stage of a solver that computes each step with two orders (low and high); it continues from the higher
/// order.
template <Scalar S>
struct embedded_step {
    S from = 0;  ///< ε̂_later = from · u + value · p, where the network predicted p at u
    S value = 0;
    step_end<S> low{};
    step_end<S> high{};
    error_tolerance tolerance{};
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/embedded_step.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(take_embedded_step)

namespace ddpm::kernels::detail {

/// Moves x to the high end of a step and writes its former value to `old`. If `low` is not null, it is the low end,
/// computed before.
/// @returns Σ ((low − high)/tolerance)², where the size of the values is max(|low|, |x|): quotients in S, squares in
/// double, in sixteen partial sums, one per element index modulo 16, which are then added in order; NaN if an end is
/// NaN
/// @determinism the same bits on every instruction set: products first, then sums from left to right
/// @complexity one pass over memory
/// @source Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.4, eq. 4.10 and 4.11
template <Scalar S>
[[nodiscard]] double take_embedded_step(isize size, const embedded_step<S>& step, S* x, const S* eps, const S* u,
                                        const S* p, const S* low, S* old) {
    return DDPM_DISPATCH(take_embedded_step<S>)(size, step, x, eps, u, p, low, old);
}

}  // namespace ddpm::kernels::detail
