// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): sin and cos of packs. kernels/elementary.hpp states the error bounds.

template <class T>
struct sincos_constants;

// n · π/2 is subtracted from x in several parts of π/2 (Cody–Waite reduction). With a fused multiply-add the first
// subtraction is exact; without, the parts have so few bits that their products with n are exact for |x| ≤ `largest`.
// sin r ≈ r + r³ (s0 + s1 r² + …), cos r ≈ 1 − r²/2 + r⁴ (c0 + c1 r² + …) for |r| ≤ π/4: minimax; the comments give the
// largest relative error.
template <>
struct sincos_constants<float> {
    static constexpr float largest = 65536.0f;
    static constexpr float two_over_pi = 0.63661975f;
    static constexpr float fused_parts[] = {0x1.921fb6p+0f, -0x1.777a5cp-25f, -0x1.ee59dap-50f};
    static constexpr float exact_parts[] = {0x1.92p+0f, 0x1.fcp-12f, -0x1.58p-21f,
                                            0x1.1p-30f, 0x1.68p-39f, 0x1.84698ap-48f};
    static constexpr int degree = 2;
    static constexpr float sine[] = {-0.16666654f, 0.008332106f, -0.00019507883f};     // 4.2e-9
    static constexpr float cosine[] = {0.041666646f, -0.0013887307f, 2.4431876e-05f};  // 1.2e-10
};

template <>
struct sincos_constants<double> {
    static constexpr double largest = 67108864.0;
    static constexpr double two_over_pi = 0.6366197723675814;
    static constexpr double fused_parts[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54, -0x1.f1976b7ed8fbcp-110};
    static constexpr double exact_parts[] = {0x1.921fb58p+0, -0x1.dde974p-27, 0x1.1a6263p-54, 0x1.8a2e03707344ap-81};
    static constexpr int degree = 5;
    static constexpr double sine[] = {-0.1666666666666663,     0.00833333333332182,
                                      -0.00019841269829332328, 2.755731352719796e-06,
                                      -2.5050732358860144e-08, 1.589530376562632e-10};  // 3.8e-18
    static constexpr double cosine[] = {0.04166666666666659,    -0.0013888888888872186,
                                        2.480158728829539e-05,  -2.755731401512155e-07,
                                        2.0875678084435944e-09, -1.135733668392786e-11};  // 6.1e-20
};

template <class T>
struct sincos_packs {
    pack<T> sine, cosine;
};

/// x − n · π/2, within 1 ULP.
template <class T>
DDPM_INLINE pack<T> subtract_quarter_turns(pack<T> x, pack<T> n) {
    using c = sincos_constants<T>;
    if constexpr (has_fused_multiply_add) {
        DDPM_UNROLL
        for (const T part : c::fused_parts) {
            x = multiply_add(n, splat(-part), x);
        }
        return x;
    } else {
        // Each product is exact. A difference is inexact only if |x| is much larger than |product|; then `lost` is its
        // exact rounding error.
        pack<T> lost{};
        DDPM_UNROLL
        for (const T part : c::exact_parts) {
            const pack<T> product = n * part, rest = x - product;
            lost += (x - rest) - product;
            x = rest;
        }
        return x + lost;
    }
}

template <class T>
DDPM_INLINE sincos_packs<T> sincos(pack<T> x) {
    using c = sincos_constants<T>;
    using bits = typename float_format<T>::bits;
    constexpr int sign_bit = float_format<T>::sign_bit;
    const pack<T> size = abs(x);
    const pack<T> shift = splat(float_format<T>::whole_shift);
    const pack<T> shifted = multiply_add(size, splat(c::two_over_pi), shift);
    const pack<bits> quarter = as<bits>(shifted);  // only its low two bits are used
    const pack<T> r = subtract_quarter_turns<T>(size, shifted - shift);
    const pack<T> z = r * r;
    pack<T> sine = splat(c::sine[c::degree]), cosine = splat(c::cosine[c::degree]);
    DDPM_UNROLL
    for (int i = c::degree - 1; i >= 0; --i) {
        sine = multiply_add(sine, z, splat(c::sine[i]));
        cosine = multiply_add(cosine, z, splat(c::cosine[i]));
    }
    sine = multiply_add(r * z, sine, r);
    cosine = multiply_add(multiply_add(cosine, z, splat(T(-0.5))), z, splat(T(1)));
    const auto odd = (quarter & 1u) != 0;
    const auto inside = size <= c::largest;
    const pack<bits> sine_sign = (quarter & 2u) << (sign_bit - 1);
    const pack<bits> cosine_sign = ((quarter + 1u) & 2u) << (sign_bit - 1);
    const pack<T> nan = splat(float_format<T>::quiet_nan);
    return {select(inside, as<T>(as<bits>(select(odd, cosine, sine)) ^ sine_sign ^ sign_of<T>(x)), nan),
            select(inside, as<T>(as<bits>(select(odd, sine, cosine)) ^ cosine_sign), nan)};
}
