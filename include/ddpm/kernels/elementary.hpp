// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/exp.hpp>
#include <ddpm/kernels/detail/log.hpp>
#include <ddpm/kernels/detail/sincos.hpp>

#include <string_view>
#include <type_traits>

namespace ddpm::kernels::detail {

/// The functions with one argument and one result, as a template argument of evaluate.
enum class elementary_function { exp_of, log_of, sin_of, cos_of, tanh_of, sigmoid_of, rsqrt_of };

}  // namespace ddpm::kernels::detail

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/elementary.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

DDPM_KERNEL_INSTANCES_OF(evaluate_array, elementary_function::exp_of)
DDPM_KERNEL_INSTANCES_OF(evaluate_array, elementary_function::log_of)
DDPM_KERNEL_INSTANCES_OF(evaluate_array, elementary_function::sin_of)
DDPM_KERNEL_INSTANCES_OF(evaluate_array, elementary_function::cos_of)
DDPM_KERNEL_INSTANCES_OF(evaluate_array, elementary_function::tanh_of)
DDPM_KERNEL_INSTANCES_OF(evaluate_array, elementary_function::sigmoid_of)
DDPM_KERNEL_INSTANCES_OF(evaluate_array, elementary_function::rsqrt_of)
DDPM_KERNEL_INSTANCES(sincos_array)

namespace ddpm::kernels {

namespace detail {

/// Calls body(size, x, out…) for the blocks of batches of equal shape.
/// @throws shape_error if the shapes differ
template <class S, class Body, class... Out>
void for_each_run(std::string_view where, batch_view<const S> x, const Body& body, batch_view<Out>... out) {
    (ddpm::detail::require_same_shape(where, "the output has the shape of the input", x, out), ...);
    for_each_alike(
        [&](isize n, isize first, isize last) { body(last - first, x.column(n) + first, (out.column(n) + first)...); },
        x, out...);
}

template <elementary_function F, Scalar S>
void evaluate(isize size, const S* x, S* out) {
    DDPM_DISPATCH(evaluate_array<F, S>)(size, x, out);
}

template <elementary_function F, BatchLike X>
void evaluate(std::string_view where, const X& x, batch_view<scalar_of<X>> out) {
    using S = scalar_of<X>;
    const ddpm::detail::readable<X> in(x);
    for_each_run<S>(where, in.view(), DDPM_DISPATCH(evaluate_array<F, S>), out);
}

}  // namespace detail

// Each function has two forms: for `size` elements, on the calling thread; and for a batch, in parallel. The output may
// be the input.

/// out = e^x.
/// @accuracy 1.3 units in the last place (ULP), also for subnormal results; −Inf gives 0, overflow gives Inf, NaN gives
/// NaN, as in all functions here
/// @determinism the bits of a result depend only on the value of the input, not on its position, the thread count or
/// the compiler. They are the same on all instruction sets with a fused multiply-add (AVX2, AVX-512, NEON); the
/// baseline has none, so its bits differ, within the same error bounds
template <Scalar S>
void exp(isize size, const S* x, S* out) {
    detail::evaluate<detail::elementary_function::exp_of>(size, x, out);
}

/// As above, for each element of a batch, in parallel.
/// @shape x and out D × N; out may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void exp(const X& x, batch_view<scalar_of<X>> out) {
    detail::evaluate<detail::elementary_function::exp_of>("exp", x, out);
}

/// out = log x, the natural logarithm.
/// @accuracy 1 ULP, for subnormal x too; ±0 gives −Inf, Inf gives Inf, negative x gives NaN
/// @determinism as exp
template <Scalar S>
void log(isize size, const S* x, S* out) {
    detail::evaluate<detail::elementary_function::log_of>(size, x, out);
}

/// As above, for each element of a batch, in parallel.
/// @shape x and out D × N; out may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void log(const X& x, batch_view<scalar_of<X>> out) {
    detail::evaluate<detail::elementary_function::log_of>("log", x, out);
}

/// The largest |x| that sin, cos and sincos take; beyond it, and for ±Inf, they give NaN.
template <Scalar S>
inline constexpr S largest_angle = std::is_same_v<S, float> ? S(65536) : S(67108864);

/// out = sin x, x in radians.
/// @accuracy 1.6 ULP for |x| ≤ largest_angle, also near multiples of π/2
/// @determinism as exp
template <Scalar S>
void sin(isize size, const S* x, S* out) {
    detail::evaluate<detail::elementary_function::sin_of>(size, x, out);
}

/// As above, for each element of a batch, in parallel.
/// @shape x and out D × N; out may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void sin(const X& x, batch_view<scalar_of<X>> out) {
    detail::evaluate<detail::elementary_function::sin_of>("sin", x, out);
}

/// out = cos x, x in radians.
/// @accuracy 1.6 ULP for |x| ≤ largest_angle, also near multiples of π/2
/// @determinism as exp
template <Scalar S>
void cos(isize size, const S* x, S* out) {
    detail::evaluate<detail::elementary_function::cos_of>(size, x, out);
}

/// As above, for each element of a batch, in parallel.
/// @shape x and out D × N; out may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void cos(const X& x, batch_view<scalar_of<X>> out) {
    detail::evaluate<detail::elementary_function::cos_of>("cos", x, out);
}

/// The sine and the cosine of x, with the bits of sin and cos; either output may be the input.
template <Scalar S>
void sincos(isize size, const S* x, S* sine, S* cosine) {
    DDPM_DISPATCH(sincos_array<S>)(size, x, sine, cosine);
}

/// As above, for each element of a batch, in parallel.
/// @shape x, sine and cosine D × N; sine or cosine may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void sincos(const X& x, batch_view<scalar_of<X>> sine, batch_view<scalar_of<X>> cosine) {
    using S = scalar_of<X>;
    const ddpm::detail::readable<X> in(x);
    detail::for_each_run<S>("sincos", in.view(), DDPM_DISPATCH(sincos_array<S>), sine, cosine);
}

/// out = tanh x.
/// @accuracy 2.7 ULP; ±Inf gives ±1
/// @determinism as exp
template <Scalar S>
void tanh(isize size, const S* x, S* out) {
    detail::evaluate<detail::elementary_function::tanh_of>(size, x, out);
}

/// As above, for each element of a batch, in parallel.
/// @shape x and out D × N; out may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void tanh(const X& x, batch_view<scalar_of<X>> out) {
    detail::evaluate<detail::elementary_function::tanh_of>("tanh", x, out);
}

/// out = 1 / (1 + e^−x).
/// @accuracy 2.5 ULP; −Inf gives 0, Inf gives 1
/// @determinism as exp
template <Scalar S>
void sigmoid(isize size, const S* x, S* out) {
    detail::evaluate<detail::elementary_function::sigmoid_of>(size, x, out);
}

/// As above, for each element of a batch, in parallel.
/// @shape x and out D × N; out may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void sigmoid(const X& x, batch_view<scalar_of<X>> out) {
    detail::evaluate<detail::elementary_function::sigmoid_of>("sigmoid", x, out);
}

/// out = 1 / √x, with equal bits on every instruction set.
/// @accuracy 1.5 ULP; ±0 gives ±Inf, Inf gives 0, negative x gives NaN
template <Scalar S>
void rsqrt(isize size, const S* x, S* out) {
    detail::evaluate<detail::elementary_function::rsqrt_of>(size, x, out);
}

/// As above, for each element of a batch, in parallel.
/// @shape x and out D × N; out may be x
/// @throws shape_error if the shapes differ
template <BatchLike X>
void rsqrt(const X& x, batch_view<scalar_of<X>> out) {
    detail::evaluate<detail::elementary_function::rsqrt_of>("rsqrt", x, out);
}

}  // namespace ddpm::kernels
