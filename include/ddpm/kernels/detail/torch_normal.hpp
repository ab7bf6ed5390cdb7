// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/log.hpp>
#include <ddpm/kernels/detail/sincos.hpp>
#include <ddpm/kernels/detail/wide.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/torch_normal.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels::detail {

/// torch's Box–Muller transform, in place: of each 16 uniforms in [0, 1) the first eight give radii, the others angles.
/// All steps are rounded to float; logarithm, sine and cosine are computed in double.
/// @shape x 16 · blocks
/// @units two_pi is 2π, or the float next to it
inline void torch_normal(isize blocks, double two_pi, float* x) { DDPM_DISPATCH(torch_normal)(blocks, two_pi, x); }

}  // namespace ddpm::kernels::detail
