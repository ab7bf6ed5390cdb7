// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/pack.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/move_towards.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(move_towards)

namespace ddpm::kernels::detail {

/// average −= rate · (average − target) over `size` elements: one step of an exponential moving average.
/// @determinism the same bits on every instruction set
template <Scalar S>
void move_towards(isize size, S rate, const S* target, S* average) {
    DDPM_DISPATCH(move_towards<S>)(size, rate, target, average);
}

}  // namespace ddpm::kernels::detail
