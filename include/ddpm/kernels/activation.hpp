// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/exp.hpp>

#include <type_traits>

namespace ddpm::kernels {

/// An elementwise function between two layers of a network.
/// @source silu (swish): Elfwing et al. 2017, arXiv 1702.03118; Ramachandran et al. 2017, arXiv 1710.05941; mish: Misra
///     2019, arXiv 1908.08681; gelu: Hendrycks and Gimpel 2016, arXiv 1606.08415, the exact form, not the approximation
///     by tanh
enum class activation {
    none,  ///< x
    silu,  ///< x / (1 + e^−x)
    mish,  ///< x tanh(log(1 + e^x))
    gelu,  ///< x Φ(x)
    relu   ///< max(0, x)
};

}  // namespace ddpm::kernels

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/gelu.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

#define DDPM_KERNEL_BODY <ddpm/kernels/detail/activation.inl.hpp>
#include <ddpm/kernels/detail/foreach_target.hpp>

/// name<f, float> and name<f, double> for every activation f.
#define DDPM_ACTIVATION_INSTANCES(name)              \
    DDPM_KERNEL_INSTANCES_OF(name, activation::none) \
    DDPM_KERNEL_INSTANCES_OF(name, activation::silu) \
    DDPM_KERNEL_INSTANCES_OF(name, activation::mish) \
    DDPM_KERNEL_INSTANCES_OF(name, activation::gelu) \
    DDPM_KERNEL_INSTANCES_OF(name, activation::relu)

DDPM_ACTIVATION_INSTANCES(activate_array)
DDPM_ACTIVATION_INSTANCES(activate_backward_array)

namespace ddpm::kernels {

namespace detail {

/// Calls body(std::integral_constant<activation, f>()) for an f known at run time.
template <class Body>
auto with_activation(activation f, const Body& body) {
    using enum activation;
    switch (f) {
        case silu:
            return body(std::integral_constant<activation, silu>());
        case mish:
            return body(std::integral_constant<activation, mish>());
        case gelu:
            return body(std::integral_constant<activation, gelu>());
        case relu:
            return body(std::integral_constant<activation, relu>());
        default:
            return body(std::integral_constant<activation, none>());
    }
}

}  // namespace detail

/// out = f(x) over `size` elements; out may be x.
/// @accuracy silu 4 and mish 5 units in the last place where e^x is a normal number, below |x| times the smallest
///     subnormal number; gelu 7 where e^(−x²/2) is a normal number, below four times the smallest subnormal number. Inf
///     gives Inf and NaN NaN; −Inf gives NaN for silu and mish, as in torch, and 0 for gelu and relu
/// @determinism as for sigmoid in elementary.hpp: the bits of an element depend on its value only
template <Scalar S>
void activate(activation f, isize size, const S* x, S* out) {
    detail::with_activation(f, [](auto chosen) { return DDPM_DISPATCH(activate_array<decltype(chosen)::value, S>); })(
        size, x, out);
}

/// The same for an F known at compile time: only this function is compiled.
template <activation F, Scalar S>
void activate(isize size, const S* x, S* out) {
    DDPM_DISPATCH(activate_array<F, S>)(size, x, out);
}

/// dx = dout · f'(x) over `size` elements; dx may be x or dout. f'(0) of relu is 0.
/// @accuracy of f'(x): absolute error 2 ε for silu and gelu and 3 ε for mish. NaN gives NaN, except 0 for relu; Inf
///     gives NaN for silu, as in torch, otherwise the limit of f'; −Inf gives NaN for silu and mish, otherwise the
///     limit
/// @determinism as for sigmoid in elementary.hpp
template <Scalar S>
void activate_backward(activation f, isize size, const S* x, const S* dout, S* dx) {
    detail::with_activation(f, [](auto chosen) {
        return DDPM_DISPATCH(activate_backward_array<decltype(chosen)::value, S>);
    })(size, x, dout, dx);
}

/// The same for an F known at compile time.
template <activation F, Scalar S>
void activate_backward(isize size, const S* x, const S* dout, S* dx) {
    DDPM_DISPATCH(activate_backward_array<F, S>)(size, x, dout, dx);
}

}  // namespace ddpm::kernels
