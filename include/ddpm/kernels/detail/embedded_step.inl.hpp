// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of embedded_step.hpp.

/// Old value, high end and error of a pack.
template <class S>
struct embedded_end {
    pack<S> old, high, error;
};

template <class S>
DDPM_INLINE pack<S> end_of(const step_end<S>& c, pack<S> x, pack<S> eps, pack<S> later) {
    return c.x * x + c.eps * eps + c.later * later;
}

/// Loads a whole pack, or only `count` elements of it.
template <bool Whole, class S>
DDPM_INLINE pack<S> load_some(const S* p, [[maybe_unused]] isize count) {
    if constexpr (Whole) {
        return load(p);
    } else {
        return load_first(p, count);
    }
}

template <bool Whole, class S>
DDPM_INLINE embedded_end<S> make_embedded_end(const embedded_step<S>& step, const S* x, const S* eps, const S* u,
                                              const S* p, const S* low, isize count) {
    const pack<S> old = load_some<Whole>(x, count), first = load_some<Whole>(eps, count);
    const pack<S> later = step.from * load_some<Whole>(u, count) + step.value * load_some<Whole>(p, count);
    const pack<S> worse = low != nullptr ? load_some<Whole>(low, count) : end_of<S>(step.low, old, first, later);
    const pack<S> better = end_of<S>(step.high, old, first, later);
    const pack<S> size = max(max(worse, -worse), max(old, -old));
    const pack<S> tolerance =
        max(splat(static_cast<S>(step.tolerance.absolute)), splat(static_cast<S>(step.tolerance.relative)) * size);
    return {old, better, (worse - better) / tolerance};
}

template <class S>
double take_embedded_step(isize size, const embedded_step<S>& coefficients, S* x, const S* eps, const S* u, const S* p,
                          const S* low, S* old) {
    const embedded_step<S> step = coefficients;  // a local copy: the compiler need not reload it after a store
    sixteen_sums sums{};
    for (isize i = 0; i < size; i += 16) {
        fetch_elements<16>(x + i + fetch_ahead);
        fetch_elements<16>(eps + i + fetch_ahead);
        fetch_elements<16>(u + i + fetch_ahead);
        fetch_elements<16>(p + i + fetch_ahead);
        S error[16] = {};
        DDPM_UNROLL
        for (isize at = 0; at < 16; at += lanes<S>) {
            const isize e = i + at, rest = size - e;
            const S* const given = low == nullptr ? nullptr : low + e;
            if (rest >= lanes<S>) {
                const embedded_end<S> end = make_embedded_end<true>(step, x + e, eps + e, u + e, p + e, given, rest);
                store(old + e, end.old);
                store(x + e, end.high);
                store(error + at, end.error);
            } else if (rest > 0) {
                const embedded_end<S> end = make_embedded_end<false>(step, x + e, eps + e, u + e, p + e, given, rest);
                store_first(old + e, end.old, rest);
                store_first(x + e, end.high, rest);
                store_first(error + at, end.error, rest);
            }
        }
        add_squares(sums, error);
    }
    return total(sums);
}
