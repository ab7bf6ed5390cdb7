// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): exp, sigmoid and tanh of packs. kernels/elementary.hpp states the error
// bounds.

template <class T>
struct exp_constants;

// log 2 = log2_high + log2_low; the products of log2_high with all exponents are exact. Arguments are limited to
// [lowest, highest], beyond which the result is 0 or Inf. tail: (e^r − 1 − r) / r² ≈ c0 + c1 r + … for |r| ≤ ½ log 2, a
// minimax polynomial; the comment gives its largest error relative to e^r − 1.
template <>
struct exp_constants<float> {
    static constexpr float log2_e = 1.44269504f, log2_high = 0.693359375f, log2_low = -2.12194440e-4f;
    static constexpr float lowest = -104.0f, highest = 89.0f;
    static constexpr float tanh_is_one = 10.0f;
    static constexpr int degree = 4;
    static constexpr float tail[] = {0.49999997f, 0.16666543f, 0.041667342f, 0.00836666f, 0.0013882499f};  // 1.4e-8
};

template <>
struct exp_constants<double> {
    static constexpr double log2_e = 1.4426950408889634;
    static constexpr double log2_high = 0.693145751953125, log2_low = 1.4286068203094172e-6;
    static constexpr double lowest = -746.0, highest = 710.0;
    static constexpr double tanh_is_one = 22.0;
    static constexpr int degree = 9;
    static constexpr double tail[] = {0.5000000000000006,    0.16666666666666588,    0.04166666666657538,
                                      0.008333333333390413,  0.0013888888932051824,  0.00019841269717605825,
                                      2.480150465033688e-05, 2.7557408217395524e-06, 2.762629879402641e-07,
                                      2.505378058605594e-08};  // 2.9e-17
};

/// x = n · log 2 + rest with n an integer and |rest| ≤ ½ log 2 up to rounding; tail = (e^rest − 1 − rest) / rest².
template <class T>
struct exp_parts {
    pack<T> n, rest, tail;
};

template <class T>
DDPM_INLINE pack<T> exp_tail(pack<T> rest) {
    using c = exp_constants<T>;
    pack<T> tail = splat(c::tail[c::degree]);
    DDPM_UNROLL
    for (int i = c::degree - 1; i >= 0; --i) {
        tail = multiply_add(tail, rest, splat(c::tail[i]));
    }
    return tail;
}

/// x / log 2, rounded to the nearest integer.
template <class T>
DDPM_INLINE pack<T> nearest_power_of_two(pack<T> x) {
    const pack<T> shift = splat(float_format<T>::whole_shift);
    return multiply_add(x, splat(exp_constants<T>::log2_e), shift) - shift;
}

template <class T>
DDPM_INLINE exp_parts<T> split_exp(pack<T> x) {
    using c = exp_constants<T>;
    exp_parts<T> p;
    p.n = nearest_power_of_two<T>(x);
    p.rest = multiply_add(p.n, splat(-c::log2_low), multiply_add(p.n, splat(-c::log2_high), x));
    p.tail = exp_tail<T>(p.rest);
    return p;
}

template <class T>
DDPM_INLINE pack<T> exp_of_parts(const exp_parts<T>& p) {
    const pack<T> power = multiply_add(multiply_add(p.tail, p.rest, splat(T(1))), p.rest, splat(T(1)));
    return times_power_of_two<T>(power, p.n);
}

/// e^x for x ≤ `highest` or NaN.
template <class T>
DDPM_INLINE pack<T> exp_bounded_above(pack<T> x) {
    return exp_of_parts<T>(split_exp<T>(max(splat(exp_constants<T>::lowest), x)));
}

template <class T>
DDPM_INLINE pack<T> exp(pack<T> x) {
    return exp_bounded_above<T>(min(splat(exp_constants<T>::highest), x));
}

/// 1 / (1 + e^−x), computed from e^−|x|: the relative error is small for both signs of x.
template <class T>
DDPM_INLINE pack<T> sigmoid(pack<T> x) {
    const pack<T> e = exp_bounded_above<T>(-abs(x));
    return select(x < T(0), e, splat(T(1))) / (T(1) + e);
}

/// tanh |x| = u / (u + 2) with u = e^2|x| − 1.
template <class T>
DDPM_INLINE pack<T> tanh(pack<T> x) {
    const pack<T> size = min(splat(exp_constants<T>::tanh_is_one), abs(x));
    const exp_parts<T> p = split_exp<T>(size + size);
    const pack<T> power = times_power_of_two<T>(splat(T(1)), p.n);
    const pack<T> u = multiply_add(multiply_add(p.rest * p.rest, p.tail, p.rest), power, power - T(1));
    return with_sign_of<T>(u / (u + T(2)), x);
}
