// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of scaled_error.hpp.

/// (a − b)/tolerance of a pack.
template <class S>
DDPM_INLINE pack<S> scaled_difference(pack<S> a, pack<S> b, pack<S> x, pack<S> absolute, pack<S> relative) {
    return (a - b) / max(absolute, relative * max(max(a, -a), max(x, -x)));
}

template <class S>
double scaled_error(index size, const S* a, const S* b, const S* x, const error_tolerance& tolerance) {
    constexpr index width = lanes<S>;
    const pack<S> absolute = splat(static_cast<S>(tolerance.absolute)), relative = splat(static_cast<S>(tolerance.relative));
    sixteen_sums sums{};
    for (index i = 0; i < size; i += 16) {
        S error[16] = {};
        for (index at = 0; at < 16 && i + at < size; at += width) {
            const index rest = size - i - at, from = i + at;
            if (rest >= width) {
                store(error + at, scaled_difference<S>(load(a + from), load(b + from), load(x + from), absolute, relative));
            } else {
                store_first(error + at,
                            scaled_difference<S>(load_first(a + from, rest), load_first(b + from, rest),
                                                 load_first(x + from, rest), absolute, relative),
                            rest);
            }
        }
        DDPM_UNROLL
        for (index part = 0; part < 16 / lanes<double>; ++part) {
            const pack<double> wide = load_wide(error + part * lanes<double>);
            sums.lane[part] += wide * wide;
        }
    }
    return total(sums);
}
