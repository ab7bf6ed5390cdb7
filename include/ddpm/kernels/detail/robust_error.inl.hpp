// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of robust_error.hpp: the target is the first `Terms` products. Each penalty is a product of e and its slope g.

template <int Terms, bool Huber, bool Stream, class S>
double robust_error(isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S limit, S slope,
                    S* d_prediction) {
    const narrow<S> zero{};
    const narrow<S> high = (Huber ? limit : S(1)) - zero;
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
            const narrow<S> e = scale * (load_narrow<S>(prediction + at) - target);
            narrow<S> g;
            if constexpr (Huber) {
                g = select(e > high, high, select(e < -high, -high, e));
            } else {
                g = select(e > zero, high, select(e < zero, -high, zero));
            }
            if (d_prediction != nullptr) {
                put<Stream>(d_prediction + at, slope * g);
            }
            const pack<double> wide = __builtin_convertvector(e, pack<double>);
            const pack<double> factor = __builtin_convertvector(g, pack<double>);
            sums.lane[part] += factor * (Huber ? wide - 0.5 * factor : wide);
        }
    }
    for (isize lane = 0; i + lane < size; ++lane) {
        S target = a * x[i + lane];
        if constexpr (Terms > 1) {
            target += b * y[i + lane];
        }
        const S e = scale * (prediction[i + lane] - target);
        const S bound = Huber ? limit : S(1);
        const S within = Huber ? e : S(0);
        const S g = e > (Huber ? bound : S(0)) ? bound : e < (Huber ? -bound : S(0)) ? -bound : within;
        if (d_prediction != nullptr) {
            d_prediction[i + lane] = slope * g;
        }
        const double wide = static_cast<double>(e);
        const double factor = static_cast<double>(g);
        sums.lane[lane / lanes<double>][lane % lanes<double>] += factor * (Huber ? wide - 0.5 * factor : wide);
    }
    end_stream<Stream>();
    return total(sums);
}
