// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/pack.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/bfloat16.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels::detail {

/// out = x with the precision of Precision, which Out can hold; to bfloat16 rounded to the nearest, ties to even. NaN
/// gives NaN. out may be x.
/// @determinism the same bits on every instruction set
template <class Precision, class In, class Out>
void convert_as(isize size, const In* x, Out* out) {
    DDPM_DISPATCH(convert_array<Precision, Out, In>)(size, x, out);
}

/// out = x, converted as convert_as does.
template <class In, class Out>
void convert(isize size, const In* x, Out* out) {
    convert_as<Out>(size, x, out);
}

}  // namespace ddpm::kernels::detail
