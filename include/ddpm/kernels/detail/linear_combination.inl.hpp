// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of linear_combination.hpp.

/// Elements first … last − 1, one by one.
template <unsigned long Terms, class S>
DDPM_INLINE void combine_each(isize first, isize last, const S* by, const S* const* in, S* out) {
    for (isize i = first; i < last; ++i) {
        S sum = by[0] * in[0][i];
        for (unsigned long term = 1; term < Terms; ++term) {
            sum += by[term] * in[term][i];
        }
        out[i] = sum;
    }
}

template <unsigned long Terms, class S>
void linear_combination(isize size, const S* factor, const S* const* x, S* out, bool stream) {
    const S* in[Terms];
    S by[Terms];
    for (unsigned long term = 0; term < Terms; ++term) {
        in[term] = x[term];
        by[term] = factor[term];
    }
    isize i = stream ? elements_to_line(out) : 0;
    i = i < size ? i : size;
    combine_each<Terms>(0, i, by, in, out);
    for (; i + lanes<S> <= size; i += lanes<S>) {
        pack<S> sum = by[0] * load(in[0] + i);
        DDPM_UNROLL
        for (unsigned long term = 1; term < Terms; ++term) {
            sum += by[term] * load(in[term] + i);
        }
        put(stream, out + i, sum);
    }
    combine_each<Terms>(i, size, by, in, out);
    end_stream(stream);
}
