// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of robust_error.hpp: the target is the first `Terms` products; `Weights` says whether elements have weights.
// Each penalty is a product of e and its slope g.

template <int Terms, bool Huber, bool Weights, bool Stream, class S>
double robust_error(isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S limit, S slope,
                    S* d_prediction, const S* weight) {
    const narrow<S> zero{};
    const narrow<S> high = (Huber ? limit : S(1)) - zero;
    sixteen_sums sums{};
    isize i = 0;
    for (; i + 16 <= size; i += 16) {
        fetch_elements<16>(prediction + i + fetch_ahead);
        fetch_elements<16>(x + i + fetch_ahead);
        if constexpr (Weights) {
            fetch_elements<16>(weight + i + fetch_ahead);
        }
        DDPM_UNROLL
        for (isize part = 0; part < 16 / lanes<double>; ++part) {
            const isize at = i + part * lanes<double>;
            narrow<S> target = a * load_narrow<S>(x + at);
            if constexpr (Terms > 1) {
                target += b * load_narrow<S>(y + at);
            }
            [[maybe_unused]] const narrow<S> w = Weights ? load_narrow<S>(weight + at) : narrow<S>{};
            narrow<S> e = scale * (load_narrow<S>(prediction + at) - target);
            if constexpr (Weights) {
                e = where_weighted(w, e);
            }
            narrow<S> g;
            if constexpr (Huber) {
                g = select(e > high, high, select(e < -high, -high, e));
            } else {
                g = select(e > zero, high, select(e < zero, -high, zero));
            }
            if (d_prediction != nullptr) {
                narrow<S> gradient = slope * g;
                if constexpr (Weights) {
                    gradient *= w;
                }
                put<Stream>(d_prediction + at, gradient);
            }
            const pack<double> wide = __builtin_convertvector(e, pack<double>);
            const pack<double> factor = __builtin_convertvector(g, pack<double>);
            pack<double> value = factor * (Huber ? wide - 0.5 * factor : wide);
            if constexpr (Weights) {
                value *= __builtin_convertvector(w, pack<double>);
            }
            sums.lane[part] += value;
        }
    }
    for (isize lane = 0; i + lane < size; ++lane) {
        S target = a * x[i + lane];
        if constexpr (Terms > 1) {
            target += b * y[i + lane];
        }
        const S w = Weights ? weight[i + lane] : S(1);
        const S e = w == 0 ? S(0) : scale * (prediction[i + lane] - target);
        const S bound = Huber ? limit : S(1);
        const S within = Huber ? e : S(0);
        const S g = e > (Huber ? bound : S(0)) ? bound : e < (Huber ? -bound : S(0)) ? -bound : within;
        if (d_prediction != nullptr) {
            d_prediction[i + lane] = w * (slope * g);
        }
        const double wide = static_cast<double>(e);
        const double factor = static_cast<double>(g);
        const double value = factor * (Huber ? wide - 0.5 * factor : wide);
        sums.lane[lane / lanes<double>][lane % lanes<double>] += static_cast<double>(w) * value;
    }
    end_stream<Stream>();
    return total(sums);
}
