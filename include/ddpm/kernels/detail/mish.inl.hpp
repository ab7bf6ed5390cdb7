// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): mish. With e = e^x and n = e (e + 2), tanh(log(1 + e)) = n / (n + 2), without
// cancellation for either sign of x.

template <class T>
struct mish_constants;

// For larger x, n / (n + 2) and the derivative round to 1.
template <>
struct mish_constants<float> {
    static constexpr float one_beyond = 20;
};

template <>
struct mish_constants<double> {
    static constexpr double one_beyond = 40;
};

template <class S>
DDPM_INLINE pack<S> mish_pack(pack<S> x) {
    const pack<S> e = exp_bounded_above<S>(min(splat(mish_constants<S>::one_beyond), x));
    const pack<S> n = e * (e + S(2));
    return x * (n / (n + S(2)));
}

/// n / (n + 2) + 4 x e (1 + e) / (n + 2)².
template <class S>
DDPM_INLINE pack<S> mish_slope_pack(pack<S> x) {
    const pack<S> at = min(splat(mish_constants<S>::one_beyond), x);
    const pack<S> e = exp_bounded_above<S>(at);
    const pack<S> n = e * (e + S(2)), inverse = S(1) / (n + S(2));
    return multiply_add(at, (S(4) * e * inverse) * ((e + S(1)) * inverse), n * inverse);
}
