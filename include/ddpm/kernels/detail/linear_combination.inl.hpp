// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of linear_combination.hpp.

template <unsigned long Terms, bool Stream, class S>
void linear_combination(index size, const S* factor, const S* const* x, S* out) {
    const S* in[Terms];
    S by[Terms];
    for (unsigned long term = 0; term < Terms; ++term) {
        in[term] = x[term];
        by[term] = factor[term];
    }
    index i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        pack<S> sum = by[0] * load(in[0] + i);
        DDPM_UNROLL
        for (unsigned long term = 1; term < Terms; ++term) {
            sum += by[term] * load(in[term] + i);
        }
        put<Stream>(out + i, sum);
    }
    for (; i < size; ++i) {
        S sum = by[0] * in[0][i];
        for (unsigned long term = 1; term < Terms; ++term) {
            sum += by[term] * in[term][i];
        }
        out[i] = sum;
    }
    end_stream<Stream>();
}
