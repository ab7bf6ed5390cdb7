// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/pack.hpp>
#include <ddpm/kernels/detail/stream.hpp>
#include <ddpm/kernels/philox_normal.hpp>

#include <concepts>
#include <limits>

namespace ddpm::kernels {

/// Coefficients of the estimates of x_0 and ε from x_t and a prediction p, elementwise: x̂_0 = x0_xt · x_t + x0_value ·
/// p, limited to [−limit, limit], and ε̂ = eps_xt · x_t + eps_value · (p or x̂_0).
template <Scalar S>
struct denoise_coefficients {
    S x0_xt = 0;
    S x0_value = 0;
    S limit = std::numeric_limits<S>::infinity();
    S eps_xt = 0;
    S eps_value = 0;
    bool eps_from_x0 = false;  ///< ε̂ is computed from the limited x̂_0 instead of p
};

/// A step of a sampler: x0 · x̂_0 + xt · x_t + eps · ε̂ + sigma · z.
template <Scalar S>
struct reverse_coefficients {
    denoise_coefficients<S> estimate{};
    S x0 = 0;
    S xt = 0;
    S eps = 0;
    S sigma = 0;  ///< 0: z is neither read nor generated
};

}  // namespace ddpm::kernels

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/reverse_step.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES(denoise)
DDPM_KERNEL_INSTANCES(reverse_step)
DDPM_KERNEL_INSTANCES(reverse_step_with_normals)

namespace ddpm::kernels {

namespace detail {

/// @throws shape_error unless p, out, and x0 if it is not empty, have the shape of xt
template <Scalar S>
void require_step_shapes(batch_view<const S> xt, batch_view<const S> p, batch_view<S> x0, batch_view<S> out) {
    ddpm::detail::require_same_shape("reverse_step", "p has the shape of xt", xt, p);
    ddpm::detail::require_same_shape("reverse_step", "out has the shape of xt", xt, out);
    if (x0.size() != 0) {
        ddpm::detail::require_same_shape("reverse_step", "x0 has the shape of xt", xt, x0);
    }
}

}  // namespace detail

/// Writes x̂_0 and ε̂; either may be xt or p. NaN stays NaN.
/// @shape all D × N
/// @throws shape_error if the shapes differ
/// @determinism the same bits on every instruction set
/// @complexity one pass over memory
/// @accuracy x̂_0: at most 2 roundings (2⁻²⁴ in float, 2⁻⁵³ in double) of A = |x0_xt · x_t| + |x0_value · p|. ε̂: 2 of E =
///     |eps_xt · x_t| + |eps_value · p|, or with eps_from_x0 4 of E = |eps_xt · x_t| + |eps_value| A. Unless a product
///     underflows
template <Scalar S>
void denoise(const denoise_coefficients<S>& c, batch_view<const S> xt, batch_view<const S> p, batch_view<S> x0,
             batch_view<S> eps) {
    ddpm::detail::require_same_shape("denoise", "p has the shape of xt", xt, p);
    ddpm::detail::require_same_shape("denoise", "x0 has the shape of xt", xt, x0);
    ddpm::detail::require_same_shape("denoise", "eps has the shape of xt", xt, eps);
    const auto body = DDPM_DISPATCH(denoise<S>);
    for_each_alike(
        [&](isize n, isize first, isize last) {
            body(last - first, c, xt.column(n) + first, p.column(n) + first, x0.column(n) + first,
                 eps.column(n) + first);
        },
        xt, p, x0, eps);
}

/// A sampler step from x_t and the prediction p to `out`, given z; also writes x̂_0 if `x0` is not empty. NaN stays
/// NaN; if the factor of ε̂ is 0, ε̂ is not computed and may be infinite.
/// @shape xt, p and out D × N, z too unless sigma is 0; x0 D × N or empty; out may be an input
/// @throws shape_error if the shapes do not fit
/// @determinism the same bits on every instruction set: products first, then sums from left to right
/// @complexity one pass over memory
/// @accuracy x̂_0 as denoise; the step at most 7 roundings of |x0| A + |xt · x_t| + |eps| E + |sigma · z|, with the A and E
///     of denoise, unless a product underflows
template <Scalar S>
void reverse_step(const reverse_coefficients<S>& c, batch_view<const S> xt, batch_view<const S> p,
                  batch_view<const S> z, batch_view<S> x0, batch_view<S> out) {
    detail::require_step_shapes(xt, p, x0, out);
    if (c.sigma != 0) {
        ddpm::detail::require_same_shape("reverse_step", "z has the shape of xt", xt, z);
    }
    const auto body = DDPM_DISPATCH(reverse_step<S>);
    const isize ahead = detail::fetch_distance<S>(out.size());
    for_each_alike(
        [&](isize n, isize first, isize last) {
            body(last - first, c, xt.column(n) + first, p.column(n) + first,
                 c.sigma == 0 ? nullptr : z.column(n) + first, x0.size() == 0 ? nullptr : x0.column(n) + first,
                 out.column(n) + first, ahead);
        },
        out, xt, p, z, x0);
}

/// The same with reverse_coefficients coefficients_of(n) for each sample n, without noise and without storing x̂_0.
/// @shape xt, p and out D × N; out may be an input
/// @throws shape_error if the shapes do not fit
template <Scalar S, class CoefficientsOf>
    requires std::invocable<const CoefficientsOf&, isize>
void reverse_step(const CoefficientsOf& coefficients_of, batch_view<const S> xt, batch_view<const S> p,
                  batch_view<S> out) {
    detail::require_step_shapes(xt, p, batch_view<S>(), out);
    const auto body = DDPM_DISPATCH(reverse_step<S>);
    const isize ahead = detail::fetch_distance<S>(out.size());
    for_each_block(out.rows(), out.columns(), [&](isize n, isize first, isize last) {
        const reverse_coefficients<S> c = coefficients_of(n);
        body(last - first, c, xt.column(n) + first, p.column(n) + first, nullptr, nullptr, out.column(n) + first,
             ahead);
    });
}

/// The same with the z that philox_normal generates at that address; it is never stored in memory.
template <Scalar S>
void reverse_step(const reverse_coefficients<S>& c, batch_view<const S> xt, batch_view<const S> p,
                  const normal_address& z, batch_view<S> x0, batch_view<S> out) {
    detail::require_step_shapes(xt, p, x0, out);
    if (c.sigma == 0) {
        reverse_step(c, xt, p, batch_view<const S>(), x0, out);
        return;
    }
    const auto body = DDPM_DISPATCH(reverse_step_with_normals<S>);
    for_each_tile(out.rows(), out.columns(), [&](isize n, isize count, isize first, isize last) {
        body(z.later(n), c, count, first, last - first, {xt.column(n) + first, xt.stride()},
             {p.column(n) + first, p.stride()}, {x0.size() == 0 ? nullptr : x0.column(n) + first, x0.stride()},
             {out.column(n) + first, out.stride()});
    });
}

}  // namespace ddpm::kernels
