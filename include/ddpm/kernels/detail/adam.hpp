// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/adam.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(adam)

namespace ddpm::kernels::detail {

/// The coefficients of one step of Adam, the same for all parameters, computed in double.
struct adam_coefficients {
    double gradient_scale;  ///< factor of the gradient
    double shrink;          ///< decoupled weight decay: factor of the parameter
    double l2;              ///< coupled weight decay: l2 · parameter is added to the gradient
    double beta1;
    double beta2;
    double v_correction;  ///< 1/√(1 − β2^step)
    double step_size;     ///< learning rate / (1 − β1^step)
    double epsilon;
};

/// One step of Adam over `size` parameters p with gradients g, first moments m and second moments v. If they are part
/// of `total` parameters that exceed the caches, memory is prefetched.
/// @determinism the same bits on every instruction set
/// @source Kingma and Ba 2014, arXiv 1412.6980, algorithm 1, in torch's order of operations
template <Scalar S>
void adam(isize size, S* p, const S* g, S* m, S* v, const adam_coefficients& c, isize total = 0) {
    DDPM_DISPATCH(adam<S>)
    (size, fetch_distance<S>(total > size ? total : size), p, g, m, v, static_cast<S>(c.gradient_scale),
     static_cast<S>(c.shrink), static_cast<S>(c.l2), static_cast<S>(1 - c.beta1), static_cast<S>(c.beta2),
     static_cast<S>(1 - c.beta2), static_cast<S>(c.v_correction), static_cast<S>(c.step_size),
     static_cast<S>(c.epsilon));
}

}  // namespace ddpm::kernels::detail
