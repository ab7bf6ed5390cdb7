// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of activation.hpp.

template <class S>
DDPM_INLINE pack<S> silu_pack(pack<S> x) {
    const pack<S> e = exp_bounded_above<S>(-abs(x));
    return select(x < S(0), x * e, x) / (S(1) + e);
}

/// s + x s (1 − s) with s = sigmoid(x); s and 1 − s are computed without cancellation.
template <class S>
DDPM_INLINE pack<S> silu_slope_pack(pack<S> x) {
    const pack<S> e = exp_bounded_above<S>(-abs(x));
    const pack<S> larger = S(1) / (S(1) + e), smaller = e * larger;
    const auto negative = x < S(0);
    const pack<S> s = select(negative, smaller, larger);
    return multiply_add(x * s, select(negative, larger, smaller), s);
}

/// For larger x, tanh(log(1 + e^x)) and the derivative of mish round to 1.
template <class S>
inline constexpr S mish_is_x = sizeof(S) == sizeof(float) ? 20 : 40;

/// x tanh(log(1 + e)) = x n / (n + 2) with e = e^x and n = e (e + 2), without cancellation for either sign of x.
template <class S>
DDPM_INLINE pack<S> mish_pack(pack<S> x) {
    const pack<S> e = exp_bounded_above<S>(min(splat(mish_is_x<S>), x));
    const pack<S> n = e * (e + S(2));
    return x * (n / (n + S(2)));
}

/// The derivative n / (n + 2) + 4 x e (1 + e) / (n + 2)².
template <class S>
DDPM_INLINE pack<S> mish_slope_pack(pack<S> x) {
    const pack<S> at = min(splat(mish_is_x<S>), x);
    const pack<S> e = exp_bounded_above<S>(at);
    const pack<S> n = e * (e + S(2)), inverse = S(1) / (n + S(2));
    return multiply_add(at, (S(4) * e * inverse) * ((e + S(1)) * inverse), n * inverse);
}

template <activation F, class S>
DDPM_INLINE pack<S> activate(pack<S> x) {
    if constexpr (F == activation::silu) {
        return silu_pack<S>(x);
    } else if constexpr (F == activation::mish) {
        return mish_pack<S>(x);
    } else if constexpr (F == activation::gelu) {
        return gelu_pack<S>(x);
    } else if constexpr (F == activation::relu) {
        return max(pack<S>{}, x);
    } else {
        return x;
    }
}

template <activation F, class S>
DDPM_INLINE pack<S> activation_slope(pack<S> x) {
    if constexpr (F == activation::silu) {
        return silu_slope_pack<S>(x);
    } else if constexpr (F == activation::mish) {
        return mish_slope_pack<S>(x);
    } else if constexpr (F == activation::gelu) {
        return gelu_slope_pack<S>(x);
    } else if constexpr (F == activation::relu) {
        return select(x > S(0), splat(S(1)), pack<S>{});
    } else {
        return splat(S(1));
    }
}

template <activation F, class S>
DDPM_INLINE pack<S> activation_gradient(pack<S> x, pack<S> dout) {
    return dout * activation_slope<F, S>(x);
}

template <activation F, class S>
void activate_array(isize size, const S* x, S* out) {
    transform(size, function<activate<F, S>>{}, out, x);
}

template <activation F, class S>
void activate_backward_array(isize size, const S* x, const S* dout, S* dx) {
    transform(size, function<activation_gradient<F, S>>{}, dx, x, dout);
}
