// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/exp.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/silu.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels {

/// out = x / (1 + e^−x) over `size` elements; out may be x.
/// @accuracy 3 units in the last place where e^x is a normal number; below, |x| times the smallest subnormal number. Inf
///           gives Inf; −Inf and NaN give NaN, as in torch
/// @determinism as for sigmoid in elementary.hpp: the bits of an element depend on its value only
template <Scalar S>
void silu(isize size, const S* x, S* out) {
    DDPM_DISPATCH(silu<S>)(size, x, out);
}

/// dx = dout · s (1 + x (1 − s)), s = 1 / (1 + e^−x), over `size` elements; dx may be x or dout.
/// @accuracy of the slope 2 ε, absolutely: it crosses zero near x = −1.28. ±Inf and NaN give NaN, as in
///           torch
/// @determinism as for sigmoid in elementary.hpp
template <Scalar S>
void silu_backward(isize size, const S* x, const S* dout, S* dx) {
    DDPM_DISPATCH(silu_backward<S>)(size, x, dout, dx);
}

}  // namespace ddpm::kernels
