// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of squared_error.hpp: the target is the first `Terms` products.

template <int Terms, bool Stream, class S>
double squared_error(isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S* d_prediction) {
    sixteen_sums sums{};
    isize i = 0;
    for (; i + 16 <= size; i += 16) {
        fetch_elements<16>(prediction + i + fetch_ahead);
        fetch_elements<16>(x + i + fetch_ahead);
        DDPM_UNROLL
        for (isize part = 0; part < 16 / lanes<double>; ++part) {
            const isize at = i + part * lanes<double>;
            narrow<S> target = a * load_narrow<S>(x + at);
            if constexpr (Terms > 1) {
                target += b * load_narrow<S>(y + at);
            }
            const narrow<S> difference = load_narrow<S>(prediction + at) - target;
            if (d_prediction != nullptr) {
                put<Stream>(d_prediction + at, scale * difference);
            }
            const pack<double> wide = __builtin_convertvector(difference, pack<double>);
            sums.lane[part] += wide * wide;
        }
    }
    for (isize lane = 0; i + lane < size; ++lane) {
        S target = a * x[i + lane];
        if constexpr (Terms > 1) {
            target += b * y[i + lane];
        }
        const S difference = prediction[i + lane] - target;
        if (d_prediction != nullptr) {
            d_prediction[i + lane] = scale * difference;
        }
        const double wide = static_cast<double>(difference);
        sums.lane[lane / lanes<double>][lane % lanes<double>] += wide * wide;
    }
    end_stream<Stream>();
    return total(sums);
}
