// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): e^x for x <= 0, and the logistic function from it.

template <class T>
struct exp_constants;

template <>
struct exp_constants<float> {
    using bits = std::int32_t;
    static constexpr float log2_e = 1.44269504088896341f;
    static constexpr float ln2_high = 0.693359375f;  // few bits: its product with an exponent is exact
    static constexpr float ln2_low = -2.12194440054690582e-4f;
    static constexpr float lowest = -87.3365447505531f;  // ln 2^-126
    static constexpr float round_shift = 12582912.0f;     // 1.5 * 2^23: the sum's last bits are the integer
    static constexpr bits exponent_bias = 127;
    static constexpr int mantissa_bits = 23;
    static constexpr int degree = 7;
};

template <>
struct exp_constants<double> {
    using bits = std::int64_t;
    static constexpr double log2_e = 1.44269504088896341;
    static constexpr double ln2_high = 6.93145751953125e-1;
    static constexpr double ln2_low = 1.42860682030941723212e-6;
    static constexpr double lowest = -708.39641853226408;  // ln 2^-1022
    static constexpr double round_shift = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr bits exponent_bias = 1023;
    static constexpr int mantissa_bits = 52;
    static constexpr int degree = 13;
};

/// 1 / k! for k = 0 … 13.
inline constexpr double inverse_factorial[] = {1.0,
                                               1.0,
                                               1.0 / 2,
                                               1.0 / 6,
                                               1.0 / 24,
                                               1.0 / 120,
                                               1.0 / 720,
                                               1.0 / 5040,
                                               1.0 / 40320,
                                               1.0 / 362880,
                                               1.0 / 3628800,
                                               1.0 / 39916800,
                                               1.0 / 479001600,
                                               1.0 / 6227020800.0};

/// e^x for x <= 0, within 2 units in the last place; 0 where e^x is below the normal numbers. NaN stays NaN.
template <class T>
DDPM_INLINE pack<T> exp_of_negative(pack<T> x) {
    using c = exp_constants<T>;
    const pack<T> exponent = round_even(x * c::log2_e);
    const pack<T> rest =
        multiply_add(exponent, splat(-c::ln2_low), multiply_add(exponent, splat(-c::ln2_high), x));
    pack<T> sum = splat(static_cast<T>(inverse_factorial[c::degree]));
    DDPM_UNROLL
    for (int k = c::degree - 1; k >= 0; --k) {
        sum = multiply_add(sum, rest, splat(static_cast<T>(inverse_factorial[k])));
    }
    // x == lowest rounds to the smallest normal exponent, and no smaller x counts.
    const auto whole = as<typename c::bits>(exponent + c::round_shift) - as<typename c::bits>(splat(c::round_shift));
    const pack<T> power = as<T>((whole + c::exponent_bias) << c::mantissa_bits);
    return select(x < c::lowest, pack<T>{}, sum * power);
}

/// 1 / (1 + e^-x), accurate relative to itself on both sides.
template <class T>
DDPM_INLINE pack<T> logistic(pack<T> x) {
    const pack<T> e = exp_of_negative<T>(-abs(x));
    const pack<T> r = T(1) / (T(1) + e);
    return select(x < T(0), e * r, r);
}
