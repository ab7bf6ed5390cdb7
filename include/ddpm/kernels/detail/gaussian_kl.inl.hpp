// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of gaussian_kl.hpp.

/// e^x − 1 − x, without cancellation if x is small.
template <class S>
DDPM_INLINE pack<S> exp_beyond_line(pack<S> x) {
    const exp_parts<S> parts = split_exp<S>(x);
    return select(abs(x) < S(0.34), parts.rest * parts.rest * parts.tail,
                  exp<S>(x) - S(1) - x);  // 0.34 < ½ log 2: n is 0
}

/// Adds the divergences of the first `count` of 16 elements to the sums.
template <class S>
DDPM_INLINE void add_gaussian_kl(sixteen_sums& sums, const S* m1, const S* lv1, const S* m2, const S* lv2,
                                 isize count) {
    S kl[16];
    DDPM_UNROLL
    for (isize i = 0; i < 16; i += lanes<S>) {
        const pack<S> difference = load(m1 + i) - load(m2 + i);
        const pack<S> precision = exp<S>(-load(lv2 + i));
        const pack<S> excess = exp_beyond_line<S>(load(lv1 + i) - load(lv2 + i));
        store(kl + i, S(0.5) * (excess + difference * difference * precision));
    }
    for (isize i = count; i < 16; ++i) {
        kl[i] = 0;
    }
    DDPM_UNROLL
    for (isize i = 0; i < 16 / lanes<double>; ++i) {
        sums.lane[i] += load_wide(kl + i * lanes<double>);
    }
}

template <class S>
double gaussian_kl(isize size, const S* m1, const S* lv1, bool shared1, const S* m2, const S* lv2, bool shared2) {
    S last_m1[16] = {}, last_m2[16] = {}, last_lv1[16] = {}, last_lv2[16] = {};
    for (isize i = 0; i < 16 && size > 0; ++i) {
        last_lv1[i] = shared1 ? lv1[0] : S(0);
        last_lv2[i] = shared2 ? lv2[0] : S(0);
    }
    sixteen_sums sums{};
    isize i = 0;
    for (; i + 16 <= size; i += 16) {
        add_gaussian_kl(sums, m1 + i, shared1 ? last_lv1 : lv1 + i, m2 + i, shared2 ? last_lv2 : lv2 + i, 16);
    }
    if (const isize rest = size - i; rest > 0) {
        for (isize k = 0; k < rest; ++k) {
            last_m1[k] = m1[i + k];
            last_m2[k] = m2[i + k];
            last_lv1[k] = shared1 ? lv1[0] : lv1[i + k];
            last_lv2[k] = shared2 ? lv2[0] : lv2[i + k];
        }
        add_gaussian_kl(sums, last_m1, last_lv1, last_m2, last_lv2, rest);
    }
    return total(sums);
}
