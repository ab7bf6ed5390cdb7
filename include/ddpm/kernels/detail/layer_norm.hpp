// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/row_sums.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/layer_norm.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(layer_norm)
DDPM_KERNEL_INSTANCES(layer_norm_parameters)
DDPM_KERNEL_INSTANCES(layer_norm_backward)

namespace ddpm::kernels::detail {

/// Normalizes each sample over its elements, then scales and shifts: y = (x − mean) / √(variance + eps) · weight +
/// bias.
/// @shape x, y D × N, y may be x; weight, bias D; moments 2 × N: mean and 1/√(variance + eps) of each sample
/// @determinism the same bits for every thread count and batch split
template <Scalar S>
void layer_norm(batch_view<const S> x, const S* weight, const S* bias, double eps, batch_view<S> y,
                batch_view<S> moments) {
    const auto body = DDPM_DISPATCH(layer_norm<S>);
    const isize rows = x.rows();
    parallel_for(x.columns(), columns_per_task(rows), [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            body(rows, x.column(n), weight, bias, static_cast<S>(eps), S(1) / static_cast<S>(rows), y.column(n),
                 moments.column(n));
        }
    });
}

/// The gradient of layer_norm: dx is overwritten, dweight and dbias are added to, in the order of the samples.
/// @shape x, dy, dx D × N, dx may be dy; moments 2 × N as layer_norm left them; weight, dweight, dbias D
/// @determinism the same bits for every thread count
template <Scalar S>
void layer_norm_backward(batch_view<const S> x, const S* weight, batch_view<const S> moments, batch_view<const S> dy,
                         batch_view<S> dx, S* dweight, S* dbias) {
    const auto parameters = DDPM_DISPATCH(layer_norm_parameters<S>);
    const auto body = DDPM_DISPATCH(layer_norm_backward<S>);
    const isize rows = x.rows();
    parallel_for(rows, row_grain(x.columns()), [&](isize first, isize last) {
        parameters(last - first, x.columns(), x.data() + first, x.stride(), moments.data(), moments.stride(),
                   dy.data() + first, dy.stride(), dweight + first, dbias + first);
    });
    parallel_for(x.columns(), columns_per_task(rows), [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            body(rows, x.column(n), weight, moments.column(n), S(1) / static_cast<S>(rows), dy.column(n), dx.column(n));
        }
    });
}

}  // namespace ddpm::kernels::detail
