// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/exp.hpp>
#include <ddpm/kernels/detail/layer_norm.hpp>

#include <type_traits>

namespace ddpm::kernels::detail {

/// The shift and the factor that turn exponentials into a softmax.
template <Scalar S>
struct softmax_normalizer {
    S largest;      ///< max x
    S inverse_sum;  ///< 1 / Σ e^(scale·(x − max x))
};

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/softmax.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(softmax)
DDPM_KERNEL_INSTANCES(softmax_again)
DDPM_KERNEL_INSTANCES(softmax_backward)

namespace ddpm::kernels::detail {

/// out = e^(scale·x) / Σ e^(scale·x) over `size` ≥ 1 elements; scale > 0; out may be x.
/// @returns the normalizer for softmax_again
/// @accuracy the exponents are scale·(x − max x), so nothing overflows. If an x is NaN or Inf, or all are −Inf, the
///           result is NaN, as in torch
/// @determinism the bits depend on these elements only
template <Scalar S>
softmax_normalizer<S> softmax(isize size, std::type_identity_t<S> scale, const S* x, S* out) {
    return DDPM_DISPATCH(softmax<S>)(size, scale, x, out);
}

/// out = e^(scale·(x − largest)) · inverse_sum: recomputes the softmax of x from the normalizer that softmax returned;
/// out may be x.
/// @determinism the same bits as softmax
template <Scalar S>
void softmax_again(isize size, std::type_identity_t<S> scale, const S* x, const softmax_normalizer<S>& by, S* out) {
    DDPM_DISPATCH(softmax_again<S>)(size, scale, x, by, out);
}

/// The gradient of softmax: dx = scale · p · (dp − Σ p·dp) where p is its result; dx may be p or dp.
template <Scalar S>
void softmax_backward(isize size, std::type_identity_t<S> scale, const S* p, const S* dp, S* dx) {
    DDPM_DISPATCH(softmax_backward<S>)(size, scale, p, dp, dx);
}

}  // namespace ddpm::kernels::detail
