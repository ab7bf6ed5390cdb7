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

namespace detail {

template <Scalar S, class Kernel>
void activate_with(batch_view<const S> x, batch_view<S> y, const Kernel& kernel) {
    require_batch("activate", "output", y, x.rows(), x.columns());
    kernels::for_each_alike(
        [&](isize n, isize first, isize last) { kernel(last - first, x.column(n) + first, y.column(n) + first); }, x,
        y);
}

template <Scalar S, class Kernel>
void activate_backward_with(batch_view<const S> x, batch_view<const S> dy, batch_view<S> dx, const Kernel& kernel) {
    require_batch("activate_backward", "gradient of the output", dy, x.rows(), x.columns());
    require_batch("activate_backward", "gradient of the input", dx, x.rows(), x.columns());
    kernels::for_each_alike(
        [&](isize n, isize first, isize last) {
            kernel(last - first, x.column(n) + first, dy.column(n) + first, dx.column(n) + first);
        },
        x, dy, dx);
}

}  // namespace detail

/// y = f(x), elementwise.
/// @shape x and y D × N; y may be x
/// @throws shape_error if the shapes differ
/// @determinism the bits of an element depend on its value only
/// @accuracy as kernels::activate
template <Scalar S>
void activate(activation f, batch_view<const std::type_identity_t<S>> x, batch_view<S> y) {
    detail::activate_with(x, y, [f](isize size, const S* from, S* to) { kernels::activate(f, size, from, to); });
}

/// The same for a compile-time F, so that no other function is compiled.
template <activation F, Scalar S>
void activate(batch_view<const std::type_identity_t<S>> x, batch_view<S> y) {
    detail::activate_with(x, y, [](isize size, const S* from, S* to) { kernels::activate<F>(size, from, to); });
}

/// dx = dy · f'(x).
/// @shape x, dy and dx D × N; dx may be x or dy
/// @throws shape_error if the shapes differ
/// @accuracy as kernels::activate_backward
template <Scalar S>
void activate_backward(activation f, batch_view<const std::type_identity_t<S>> x,
                       batch_view<const std::type_identity_t<S>> dy, batch_view<S> dx) {
    detail::activate_backward_with(x, dy, dx, [f](isize size, const S* at, const S* from, S* to) {
        kernels::activate_backward(f, size, at, from, to);
    });
}

/// The same for a compile-time F.
template <activation F, Scalar S>
void activate_backward(batch_view<const std::type_identity_t<S>> x, batch_view<const std::type_identity_t<S>> dy,
                       batch_view<S> dx) {
    detail::activate_backward_with(x, dy, dx, [](isize size, const S* at, const S* from, S* to) {
        kernels::activate_backward<F>(size, at, from, to);
    });
}

}  // namespace ddpm::nn
