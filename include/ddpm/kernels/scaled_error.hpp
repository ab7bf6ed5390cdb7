// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dispatch.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/wide.hpp>

namespace ddpm::kernels {

/// How large an error may be: the larger of the two, the second relative to the size of the values.
struct error_tolerance {
    double absolute;
    double relative;
};

}  // namespace ddpm::kernels

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/scaled_error.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels {

/// Σ ((a − b)/tolerance)², where values have the size of a or x, whichever is larger: quotients in S, squares and sums in
/// double, sixteen sums side by side, one for each element index modulo 16, then these in order. NaN if a or b is.
/// @determinism the same bits on every instruction set
/// @source Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.4, eq. 4.10 and 4.11
template <Scalar S>
[[nodiscard]] double scaled_error(index size, const S* a, const S* b, const S* x, const error_tolerance& tolerance) {
    return DDPM_DISPATCH(scaled_error<S>)(size, a, b, x, tolerance);
}

}  // namespace ddpm::kernels
