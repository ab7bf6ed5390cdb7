// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of robust_error.hpp. Each penalty is a product of e and its slope g: Huber's g is e, limited; that of the
// absolute value is ±1, or 0 where e is 0.

template <class S>
double robust_error(bool huber, isize size, const S* prediction, S a, const S* x, S b, const S* y, S scale, S limit,
                    S slope, S* d_prediction, const S* weight, bool stream) {
    const pack<S> high = splat(huber ? limit : S(1)), from = splat(huber ? limit : S(0));
    const double half = huber ? 0.5 : 0.0;
    sixteen_sums sums{};
    error_block<S> block;
    S derivative[error_width];
    for (isize i = 0; i < size; i += error_width) {
        block.begin(i, size, prediction, a, x, b, y, weight);
        for (isize k = 0; k < error_width; k += lanes<S>) {
            const pack<S> e = scale * load(block.difference + k);
            store(block.difference + k, e);
            store(derivative + k, select(e > from, high, select(e < -from, -high, huber ? e : pack<S>{})));
        }
        if (d_prediction != nullptr) {
            block.put_gradient(stream, d_prediction + i, slope, derivative);
        }
        for (isize k = 0; k < error_width; k += 16) {
            DDPM_UNROLL
            for (isize part = 0; part < 16 / lanes<double>; ++part) {
                const isize at = k + part * lanes<double>;
                const pack<double> e = load_wide(block.difference + at), g = load_wide(derivative + at);
                block.add(sums, part, at, g * (e - half * g));
            }
        }
    }
    end_stream(stream);
    return total(sums);
}
