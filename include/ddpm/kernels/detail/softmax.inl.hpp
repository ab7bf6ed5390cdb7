// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of softmax.hpp. Sums run over the lanes of a pack side by side, then over the lanes in order.

/// The largest of x, NaN left aside.
template <class S>
DDPM_INLINE S largest_of(isize size, const S* x) {
    S largest = x[0];
    if (size >= lanes<S>) {
        pack<S> largest_pack = load(x);
        for (isize i = lanes<S>; i + lanes<S> <= size; i += lanes<S>) {
            largest_pack = max(load(x + i), largest_pack);
        }
        largest_pack = max(load(x + size - lanes<S>), largest_pack);
        for (isize lane = 0; lane < lanes<S>; ++lane) {
            largest = largest_pack[lane] > largest ? largest_pack[lane] : largest;
        }
    } else {
        for (isize i = 1; i < size; ++i) {
            largest = x[i] > largest ? x[i] : largest;
        }
    }
    return largest;
}

template <class S>
softmax_normalizer<S> softmax(isize size, S scale, const S* x, S* out) {
    const S largest = largest_of<S>(size, x);
    pack<S> sums{};
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        const pack<S> e = exp_bounded_above<S>(scale * (load(x + i) - largest));
        store(out + i, e);
        sums += e;
    }
    if (i < size) {
        const isize rest = size - i;
        store_first(out + i, exp_bounded_above<S>(scale * (load_first(x + i, rest) - largest)), rest);
        sums += load_first(out + i, rest);
    }
    const S sum = sum_of_lanes<S>(sums), inverse = S(1) / sum;
    for (i = 0; i + lanes<S> <= size; i += lanes<S>) {
        store(out + i, load(out + i) * inverse);
    }
    for (; i < size; ++i) {
        out[i] *= inverse;
    }
    return {largest, inverse};
}

template <class S>
void softmax_again(isize size, S scale, const S* x, const softmax_normalizer<S>& by, S* out) {
    const S largest = by.largest, inverse = by.inverse_sum;
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        store(out + i, exp_bounded_above<S>(scale * (load(x + i) - largest)) * inverse);
    }
    if (i < size) {
        const isize rest = size - i;
        store_first(out + i, exp_bounded_above<S>(scale * (load_first(x + i, rest) - largest)) * inverse, rest);
    }
}

template <class S>
void softmax_backward(isize size, S scale, const S* p, const S* dp, S* dx) {
    pack<S> sums{};
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        sums = multiply_add(load(p + i), load(dp + i), sums);
    }
    if (i < size) {
        sums = multiply_add(load_first(p + i, size - i), load_first(dp + i, size - i), sums);
    }
    const S mean = sum_of_lanes<S>(sums);
    for (i = 0; i + lanes<S> <= size; i += lanes<S>) {
        store(dx + i, scale * load(p + i) * (load(dp + i) - mean));
    }
    for (; i < size; ++i) {
        dx[i] = scale * p[i] * (dp[i] - mean);
    }
}
