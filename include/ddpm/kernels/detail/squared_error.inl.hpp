// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of squared_error.hpp.

/// The sum of the squared errors, and their gradient if d_prediction is not null. The target has one term, a · x, or two
/// if y is not null. `Weights`: whether elements have weights; `Stream`: whether the gradient is written with streaming
/// stores.
template <bool Weights, bool Stream, class S>
double squared_error(isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S* d_prediction,
                     const S* weight) {
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
            if (y != nullptr) {
                target += b * load_narrow<S>(y + at);
            }
            [[maybe_unused]] const narrow<S> w = Weights ? load_narrow<S>(weight + at) : narrow<S>{};
            narrow<S> difference = load_narrow<S>(prediction + at) - target;
            if constexpr (Weights) {
                difference = where_weighted(w, difference);
            }
            if (d_prediction != nullptr) {
                narrow<S> gradient = scale * difference;
                if constexpr (Weights) {
                    gradient *= w;
                }
                put(Stream, d_prediction + at, gradient);
            }
            const pack<double> wide = __builtin_convertvector(difference, pack<double>);
            pack<double> square = wide * wide;
            if constexpr (Weights) {
                square *= __builtin_convertvector(w, pack<double>);
            }
            sums.lane[part] += square;
        }
    }
    for (isize lane = 0; i + lane < size; ++lane) {
        S target = a * x[i + lane];
        if (y != nullptr) {
            target += b * y[i + lane];
        }
        const S w = Weights ? weight[i + lane] : S(1);
        const S difference = w == 0 ? S(0) : prediction[i + lane] - target;
        if (d_prediction != nullptr) {
            d_prediction[i + lane] = w * (scale * difference);
        }
        const double wide = static_cast<double>(difference);
        sums.lane[lane / lanes<double>][lane % lanes<double>] += static_cast<double>(w) * (wide * wide);
    }
    end_stream(Stream);
    return total(sums);
}

/// The same, where `weight` and `stream` are known at run time only. With weights there are no streaming stores.
template <class S>
double any_squared_error(isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S* d_prediction,
                         const S* weight, bool stream) {
    if (weight != nullptr) {
        return squared_error<true, false, S>(size, prediction, a, x, b, y, scale, d_prediction, weight);
    }
    return stream ? squared_error<false, true, S>(size, prediction, a, x, b, y, scale, d_prediction, weight)
                  : squared_error<false, false, S>(size, prediction, a, x, b, y, scale, d_prediction, weight);
}
