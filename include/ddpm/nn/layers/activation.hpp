// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/activation.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/nn/detail/check.hpp>

#include <type_traits>

namespace ddpm::nn {

using kernels::activation;

/// y = f(x), element by element.
/// @shape x and y D × N; y may be x
/// @throws shape_error if the shapes differ
/// @determinism the bits of an element depend on its value only
template <Scalar S>
void activate(activation f, batch_view<const std::type_identity_t<S>> x, batch_view<S> y) {
    detail::require_batch("activate", "output", y, x.rows(), x.columns());
    kernels::for_each_alike(
        [&](isize n, isize first, isize last) {
            kernels::activate(f, last - first, x.column(n) + first, y.column(n) + first);
        },
        x, y);
}

/// dx = dy · f'(x).
/// @shape x, dy and dx D × N; dx may be x or dy
/// @throws shape_error if the shapes differ
template <Scalar S>
void activate_backward(activation f, batch_view<const std::type_identity_t<S>> x,
                       batch_view<const std::type_identity_t<S>> dy, batch_view<S> dx) {
    detail::require_batch("activate_backward", "gradient of the output", dy, x.rows(), x.columns());
    detail::require_batch("activate_backward", "gradient of the input", dx, x.rows(), x.columns());
    kernels::for_each_alike(
        [&](isize n, isize first, isize last) {
            kernels::activate_backward(f, last - first, x.column(n) + first, dy.column(n) + first,
                                       dx.column(n) + first);
        },
        x, dy, dx);
}

}  // namespace ddpm::nn
