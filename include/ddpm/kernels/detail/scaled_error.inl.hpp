// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of scaled_error.hpp.

/// ((a − b)/tolerance)² of a pack.
DDPM_INLINE pack<double> scaled_square(pack<double> a, pack<double> b, pack<double> x, const error_tolerance& tolerance) {
    const pack<double> size = max(max(a, -a), max(x, -x));
    const pack<double> error = (a - b) / max(splat(tolerance.absolute), splat(tolerance.relative) * size);
    return error * error;
}

template <class S>
double scaled_error(index size, const S* a, const S* b, const S* x, const error_tolerance& tolerance) {
    sixteen_sums sums{};
    index i = 0;
    for (; i + 16 <= size; i += 16) {
        DDPM_UNROLL
        for (index part = 0; part < 16 / lanes<double>; ++part) {
            const index at = i + part * lanes<double>;
            sums.lane[part] += scaled_square(load_wide(a + at), load_wide(b + at), load_wide(x + at), tolerance);
        }
    }
    for (index lane = 0; i + lane < size; ++lane) {
        const pack<double> square =
            scaled_square(splat(static_cast<double>(a[i + lane])), splat(static_cast<double>(b[i + lane])),
                          splat(static_cast<double>(x[i + lane])), tolerance);
        sums.lane[lane / lanes<double>][lane % lanes<double>] += square[0];
    }
    return total(sums);
}
