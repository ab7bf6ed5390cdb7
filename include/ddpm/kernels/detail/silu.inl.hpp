// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of silu.hpp.

template <class S>
DDPM_INLINE pack<S> silu_pack(pack<S> x) {
    return x * logistic<S>(x);
}

template <class S>
DDPM_INLINE pack<S> silu_slope_pack(pack<S> x) {
    const pack<S> s = logistic<S>(x);
    return s * (S(1) + x * (S(1) - s));
}

template <class S>
void silu(index size, const S* x, S* y) {
    index i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        store(y + i, silu_pack<S>(load(x + i)));
    }
    if (i < size) {
        store_first(y + i, silu_pack<S>(load_first(x + i, size - i)), size - i);
    }
}

template <class S>
void silu_backward(index size, const S* x, const S* dy, S* dx) {
    index i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        store(dx + i, load(dy + i) * silu_slope_pack<S>(load(x + i)));
    }
    if (i < size) {
        const index rest = size - i;
        store_first(dx + i, load_first(dy + i, rest) * silu_slope_pack<S>(load_first(x + i, rest)), rest);
    }
}
