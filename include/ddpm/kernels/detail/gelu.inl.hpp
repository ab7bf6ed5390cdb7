// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): the normal distribution function of packs, and gelu.

template <class T>
struct normal_tail_constants;

// Φ(−a) e^(a²/2) (a + 4) ≈ c0 + c1 u + … with u = (a − 4) / (a + 4) for 0 ≤ a ≤ `farthest`, beyond which e^(−a²/2) is
// 0: Chebyshev interpolation with relative errors 2.2e-9 and 1.8e-18, in the form of Shepherd and Laframboise 1981,
// Mathematics of Computation 36.
template <>
struct normal_tail_constants<float> {
    static constexpr float farthest = 14.5f;
    static constexpr int degree = 10;
    static constexpr float terms[] = {0.755285131f,   -0.607896657f,    0.387137366f,    -0.186521345f,
                                      0.0603975116f,  -0.00754486054f,  -0.00348892239f, 0.00164452396f,
                                      0.00016998491f, -0.000232022471f, -5.14301622e-05f};
};

template <>
struct normal_tail_constants<double> {
    static constexpr double farthest = 38.7;
    static constexpr int degree = 23;
    static constexpr double terms[] = {
        0.7552851304157515,     -0.6078966419718921,     0.3871374007422147,      -0.18652185795965892,
        0.060396574890927784,   -0.0075401889666752145,  -0.003479692367199233,   0.0016308184568753843,
        0.0001333443101657274,  -0.00023109492984740057, -1.9082431617557643e-06, 3.514466288672767e-05,
        7.166004466910965e-07,  -5.920113554313934e-06,  -6.295131703624606e-07,  1.0214686106419446e-06,
        2.7147469853218797e-07, -1.549199566396854e-07,  -8.503859236912378e-08,  1.3322865202470067e-08,
        1.938463976873434e-08,  1.8463497310261765e-09,  -2.4575192437771134e-09, -6.968013654298563e-10};
};

/// Φ(−a) = bell · ratio with bell = e^(−a²/2), for a ≥ 0 or NaN; a is limited to `farthest`.
template <class T>
struct normal_tail {
    pack<T> a, bell, ratio;
};

template <class T>
DDPM_INLINE normal_tail<T> normal_tail_of(pack<T> size) {
    using c = normal_tail_constants<T>;
    using format = float_format<T>;
    using bits = typename format::bits;
    normal_tail<T> t;
    t.a = min(splat(c::farthest), size);
    // −a²/2 = high + low: high from the leading bits of a, whose square is exact, and a small low part. Rounding a²
    // itself would give the result a relative error of a²/2 ε.
    constexpr bits leading = ~((bits{1} << ((format::mantissa_bits + 2) / 2)) - 1);
    const pack<T> head = as<T>(as<bits>(t.a) & leading);
    const pack<T> high = T(-0.5) * head * head, low = T(-0.5) * (t.a - head) * (t.a + head);
    using e = exp_constants<T>;
    exp_parts<T> p;
    p.n = nearest_power_of_two<T>(high + low);
    p.rest = multiply_add(p.n, splat(-e::log2_low), multiply_add(p.n, splat(-e::log2_high), high) + low);
    p.tail = exp_tail<T>(p.rest);
    t.bell = exp_of_parts<T>(p);

    const pack<T> inverse = T(1) / (t.a + T(4)), u = (t.a - T(4)) * inverse;
    pack<T> sum = splat(c::terms[c::degree]);
    DDPM_UNROLL
    for (int i = c::degree - 1; i >= 0; --i) {
        sum = multiply_add(sum, u, splat(c::terms[i]));
    }
    t.ratio = sum * inverse;
    return t;
}

/// x Φ(x) = max(0, x) − |x| Φ(−|x|).
template <class S>
DDPM_INLINE pack<S> gelu_pack(pack<S> x) {
    const normal_tail<S> t = normal_tail_of<S>(abs(x));
    return max(pack<S>{}, x) - t.a * t.ratio * t.bell;
}

/// Φ(x) + x φ(x); its values at x and −x add up to 1.
template <class S>
DDPM_INLINE pack<S> gelu_slope_pack(pack<S> x) {
    constexpr S density_at_zero = S(0.398942280401432677939946059934L);
    const normal_tail<S> t = normal_tail_of<S>(abs(x));
    const pack<S> below = t.bell * multiply_add(t.a, splat(-density_at_zero), t.ratio);
    return select(x < S(0), below, S(1) - below);
}
