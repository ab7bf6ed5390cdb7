// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/exp.hpp>
#include <ddpm/kernels/detail/log.hpp>
#include <ddpm/kernels/layer_norm.hpp>

#include <type_traits>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/softmax.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

namespace ddpm::kernels {

/// out = e^(scale·x) / Σ e^(scale·x) over `size` ≥ 1 elements; scale > 0; out may be x. Returns log Σ e^(scale·x).
/// @accuracy the exponents are those of scale·(x − max x), so that nothing overflows. NaN or Inf among x, or −Inf
///           alone, give NaN, as in torch
/// @determinism the bits depend on these elements only
template <Scalar S>
S softmax(index size, std::type_identity_t<S> scale, const S* x, S* out) {
    return DDPM_DISPATCH(softmax<S>)(size, scale, x, out);
}

/// out = e^(scale·x − log_sum): what softmax gave, by the logarithm that it returned; out may be x.
/// @accuracy (4 + |scale·x| + |log_sum|) ε relative to what softmax gave
template <Scalar S>
void softmax_of_log_sum(index size, std::type_identity_t<S> scale, const S* x, std::type_identity_t<S> log_sum,
                        S* out) {
    DDPM_DISPATCH(softmax_of_log_sum<S>)(size, scale, x, log_sum, out);
}

/// The gradient of softmax: dx = scale · p · (dp − Σ p·dp) where p is what it gave; dx may be p or dp.
template <Scalar S>
void softmax_backward(index size, std::type_identity_t<S> scale, const S* p, const S* dp, S* dx) {
    DDPM_DISPATCH(softmax_backward<S>)(size, scale, p, dp, dx);
}

}  // namespace ddpm::kernels
