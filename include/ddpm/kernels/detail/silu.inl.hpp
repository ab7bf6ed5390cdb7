// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of silu.hpp.

template <class S>
DDPM_INLINE pack<S> silu_pack(pack<S> x) {
    const pack<S> e = exp_bounded_above<S>(-abs(x));
    return select(x < S(0), x * e, x) / (S(1) + e);
}

/// s + x s (1 − s) with s = sigmoid(x), where neither s nor 1 − s loses digits.
template <class S>
DDPM_INLINE pack<S> silu_slope_pack(pack<S> x) {
    const pack<S> e = exp_bounded_above<S>(-abs(x));
    const pack<S> larger = S(1) / (S(1) + e), smaller = e * larger;
    const auto negative = x < S(0);
    const pack<S> s = select(negative, smaller, larger);
    return multiply_add(x * s, select(negative, larger, smaller), s);
}

template <class S>
void silu(isize size, const S* x, S* out) {
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        store(out + i, silu_pack<S>(load(x + i)));
    }
    if (i < size) {
        store_first(out + i, silu_pack<S>(load_first(x + i, size - i)), size - i);
    }
}

template <class S>
void silu_backward(isize size, const S* x, const S* dout, S* dx) {
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        store(dx + i, load(dout + i) * silu_slope_pack<S>(load(x + i)));
    }
    if (i < size) {
        const isize rest = size - i;
        store_first(dx + i, load_first(dout + i, rest) * silu_slope_pack<S>(load_first(x + i, rest)), rest);
    }
}
