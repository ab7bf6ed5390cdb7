// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): log of packs. kernels/elementary.hpp states the error bounds.

template <class T>
struct log_constants;

// log 2 = log2_high + log2_low; the products of log2_high with all exponents are exact. Polynomials for √½ − 1 ≤ f < √2
// − 1: float uses (log(1 + f) − f + f²/2) / f³ ≈ c0 + c1 f + …; double uses s = f / (2 + f) and (log(1 + f) − 2 s) / s³
// ≈ c0 + c1 s² + …. Both are minimax; the comment gives the largest error relative to log(1 + f).
template <>
struct log_constants<float> {
    static constexpr float log2_high = 0.693359375f, log2_low = -2.12194440e-4f;
    static constexpr std::uint32_t sqrt_half_bits = 0x3f3504f3u;
    static constexpr int degree = 7;
    static constexpr float terms[] = {0.3333333f,  -0.2500082f,  0.2000123f,  -0.16623376f,
                                      0.14201793f, -0.13160239f, 0.12761632f, -0.07634509f};  // 5.9e-9
};

template <>
struct log_constants<double> {
    static constexpr double log2_high = 0.6931471805601177, log2_low = -1.7239444525614835e-13;
    static constexpr std::uint64_t sqrt_half_bits = 0x3fe6a09e667f3bcdu;
    static constexpr int degree = 6;
    static constexpr double terms[] = {0.6666666666666735,  0.3999999999940935,  0.28571428743686716,
                                       0.22222198428935352, 0.18183572357929942, 0.15313832071208003,
                                       0.1479825987386349};  // 1.2e-18
};

template <class T>
DDPM_INLINE pack<T> log_polynomial(pack<T> x) {
    using c = log_constants<T>;
    pack<T> sum = splat(c::terms[c::degree]);
    DDPM_UNROLL
    for (int i = c::degree - 1; i >= 0; --i) {
        sum = multiply_add(sum, x, splat(c::terms[i]));
    }
    return sum;
}

/// k · log 2 + log(1 + f).
DDPM_INLINE pack<float> log_of_parts(pack<float> k, pack<float> f) {
    using c = log_constants<float>;
    const pack<float> square = f * f;
    const pack<float> low = multiply_add(square * f, log_polynomial<float>(f), k * c::log2_low);
    return multiply_add(k, splat(c::log2_high), f + multiply_add(square, splat(-0.5f), low));
}

DDPM_INLINE pack<double> log_of_parts(pack<double> k, pack<double> f) {
    using c = log_constants<double>;
    const pack<double> s = f / (2.0 + f);
    const pack<double> half_square = 0.5 * f * f;
    const pack<double> z = s * s;
    const pack<double> low = multiply_add(s, multiply_add(z, log_polynomial<double>(z), half_square), k * c::log2_low);
    return multiply_add(k, splat(c::log2_high), f - (half_square - low));
}

template <class T>
DDPM_INLINE pack<T> log(pack<T> x) {
    using c = log_constants<T>;
    using format = float_format<T>;
    using bits = typename format::bits;
    const auto subnormal = x < format::smallest_normal;
    const pack<T> normal = select(subnormal, x * format::two_to_mantissa_bits, x);
    const pack<bits> offset = as<bits>(normal) + (format::one_bits - c::sqrt_half_bits);
    const pack<T> mantissa = as<T>((offset & format::mantissa_mask) + c::sqrt_half_bits);
    // The biased exponent becomes the low mantissa bits of 2^mantissa_bits; subtracting `shift` gives it as a T.
    constexpr T shift = format::two_to_mantissa_bits + static_cast<T>(format::bias);
    const pack<T> k = as<T>((offset >> format::mantissa_bits) | format::two_to_mantissa_bits_bits) -
                      select(subnormal, splat(shift + static_cast<T>(format::mantissa_bits)), splat(shift));
    const pack<T> finite = log_of_parts(k, mantissa - T(1));
    const pack<T> not_positive = select(x == T(0), splat(-format::infinity), splat(format::quiet_nan));
    return select(x > T(0), select(x < format::infinity, finite, x), not_positive);
}
