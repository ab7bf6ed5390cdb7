// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of linear_combination.hpp: the first `Terms` products.

template <int Terms, bool Stream, class S>
void linear_combination(index size, S a, const S* x, S b, const S* y, S c, const S* z, S d, const S* w, S* out) {
    index i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        pack<S> sum = a * load(x + i) + b * load(y + i);
        if constexpr (Terms > 2) {
            sum += c * load(z + i);
        }
        if constexpr (Terms > 3) {
            sum += d * load(w + i);
        }
        put<Stream>(out + i, sum);
    }
    for (; i < size; ++i) {
        S sum = a * x[i] + b * y[i];
        if constexpr (Terms > 2) {
            sum += c * z[i];
        }
        if constexpr (Terms > 3) {
            sum += d * w[i];
        }
        out[i] = sum;
    }
    end_stream<Stream>();
}
