// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of softmax.hpp. Sums are kept per lane of a pack; the lanes are then added in order.

/// The largest x; NaNs may be skipped.
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

/// e^(scale·(x − largest)).
template <class S>
struct shifted_exp {
    S scale, largest;
    DDPM_INLINE pack<S> operator()(pack<S> x) const { return exp_bounded_above<S>(scale * (x - largest)); }
};

template <class S>
struct times {
    S factor;
    DDPM_INLINE pack<S> operator()(pack<S> x) const { return x * factor; }
};

/// out = e(x); returns the sum.
template <class S, class Exp>
DDPM_INLINE S put_exponentials(isize size, const Exp& e, const S* x, S* out) {
    pack<S> sums{};
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        const pack<S> value = e(load(x + i));
        store(out + i, value);
        sums += value;
    }
    if (i < size) {
        const isize rest = size - i;
        store_first(out + i, e(load_first(x + i, rest)), rest);
        sums += load_first(out + i, rest);
    }
    return sum_of_lanes<S>(sums);
}

template <class S>
softmax_normalizer<S> softmax(isize size, S scale, const S* x, S* out) {
    const S largest = largest_of<S>(size, x);
    const shifted_exp<S> e = {scale, largest};
    const S inverse = S(1) / put_exponentials<S>(size, e, x, out);
    transform(size, times<S>{inverse}, out, out);
    return {largest, inverse};
}

template <class S>
struct normalized_exp {
    shifted_exp<S> e;
    S inverse_sum;
    DDPM_INLINE pack<S> operator()(pack<S> x) const { return e(x) * inverse_sum; }
};

template <class S>
void softmax_again(isize size, S scale, const S* x, const softmax_normalizer<S>& by, S* out) {
    transform(size, normalized_exp<S>{{scale, by.largest}, by.inverse_sum}, out, x);
}

template <class S>
struct softmax_gradient {
    S scale, mean;
    DDPM_INLINE pack<S> operator()(pack<S> p, pack<S> dp) const { return scale * p * (dp - mean); }
};

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
    transform(size, softmax_gradient<S>{scale, sum_of_lanes<S>(sums)}, dx, p, dp);
}
