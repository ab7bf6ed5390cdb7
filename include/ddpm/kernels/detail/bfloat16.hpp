// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/pack.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/bfloat16.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels {

/// out = x, converted; from float to bfloat16 rounded to the nearest, ties to even. NaN gives NaN.
/// @determinism the same bits on every instruction set
template <class In, class Out>
void convert(isize size, const In* x, Out* out) {
    DDPM_DISPATCH(convert_array<Out, Out, In>)(size, x, out);
}

/// out = x, each rounded to the nearest bfloat16; out may be x.
template <Scalar S>
void round_to_bfloat16(isize size, const S* x, S* out) {
    DDPM_DISPATCH(convert_array<bfloat16, S, S>)(size, x, out);
}

}  // namespace ddpm::kernels
