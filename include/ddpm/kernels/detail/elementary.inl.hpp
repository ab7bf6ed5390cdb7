// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): elementary functions of packs and of arrays.

/// 1 / √x, by two correctly rounded operations.
template <class T>
DDPM_INLINE pack<T> rsqrt(pack<T> x) {
    return T(1) / sqrt(x);
}

template <elementary_function F, class T>
DDPM_INLINE pack<T> evaluate(pack<T> x) {
    using enum elementary_function;
    if constexpr (F == exp_of) {
        return exp<T>(x);
    } else if constexpr (F == log_of) {
        return log<T>(x);
    } else if constexpr (F == sin_of) {
        return sincos<T>(x).sine;
    } else if constexpr (F == cos_of) {
        return sincos<T>(x).cosine;
    } else if constexpr (F == tanh_of) {
        return tanh<T>(x);
    } else if constexpr (F == sigmoid_of) {
        return sigmoid<T>(x);
    } else {
        return rsqrt<T>(x);
    }
}

template <elementary_function F, class S>
void evaluate_array(isize size, const S* x, S* out) {
    transform(size, function<evaluate<F, S>>{}, out, x);
}

template <class S>
void sincos_array(isize size, const S* x, S* sine, S* cosine) {
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        const sincos_packs<S> both = sincos<S>(load(x + i));
        store(sine + i, both.sine);
        store(cosine + i, both.cosine);
    }
    if (i < size) {
        const isize rest = size - i;
        const sincos_packs<S> both = sincos<S>(load_first(x + i, rest));
        store_first(sine + i, both.sine, rest);
        store_first(cosine + i, both.cosine, rest);
    }
}
