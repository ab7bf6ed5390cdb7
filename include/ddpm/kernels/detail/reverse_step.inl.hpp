// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of reverse_step.hpp.

template <class S>
struct estimates {
    pack<S> x0, eps;
};

template <class S>
DDPM_INLINE estimates<S> estimate(const denoise_coefficients<S>& c, pack<S> xt, pack<S> p) {
    const pack<S> x0 = min(splat(c.limit), max(splat(-c.limit), c.x0_xt * xt + c.x0_value * p));  // NaN stays NaN
    return {x0, c.eps_xt * xt + c.eps_value * (c.eps_from_x0 ? x0 : p)};
}

template <class S>
void denoise(isize size, const denoise_coefficients<S>& coefficients, const S* xt, const S* p, S* x0, S* eps) {
    const denoise_coefficients<S> c = coefficients;  // a local copy: the compiler need not reload it after a store
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        const estimates<S> e = estimate(c, load(xt + i), load(p + i));
        store(x0 + i, e.x0);
        store(eps + i, e.eps);
    }
    if (const isize rest = size - i; rest > 0) {
        const estimates<S> e = estimate(c, load_first(xt + i, rest), load_first(p + i, rest));
        store_first(x0 + i, e.x0, rest);
        store_first(eps + i, e.eps, rest);
    }
}

/// x0 · x̂_0 + xt · x_t + eps · ε̂; if not `Eps`, without the last term.
template <bool Eps, class S>
DDPM_INLINE pack<S> mean_of(const reverse_coefficients<S>& c, pack<S> x, const estimates<S>& e) {
    if constexpr (Eps) {
        return c.x0 * e.x0 + c.xt * x + c.eps * e.eps;
    } else {
        return c.x0 * e.x0 + c.xt * x;
    }
}

/// z is null for a step without noise, x0 if x̂_0 is not stored.
template <bool Eps, class S>
DDPM_INLINE void take_reverse_step(isize size, const reverse_coefficients<S>& c, const S* xt, const S* p, const S* z,
                                   S* x0, S* out) {
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        const pack<S> x = load(xt + i);
        const estimates<S> e = estimate(c.estimate, x, load(p + i));
        if (x0 != nullptr) {
            store(x0 + i, e.x0);
        }
        pack<S> sum = mean_of<Eps>(c, x, e);
        if (z != nullptr) {
            sum += c.sigma * load(z + i);
        }
        store(out + i, sum);
    }
    if (const isize rest = size - i; rest > 0) {
        const pack<S> x = load_first(xt + i, rest);
        const estimates<S> e = estimate(c.estimate, x, load_first(p + i, rest));
        if (x0 != nullptr) {
            store_first(x0 + i, e.x0, rest);
        }
        pack<S> sum = mean_of<Eps>(c, x, e);
        if (z != nullptr) {
            sum += c.sigma * load_first(z + i, rest);
        }
        store_first(out + i, sum, rest);
    }
}

template <class S>
void reverse_step(isize size, const reverse_coefficients<S>& coefficients, const S* xt, const S* p, const S* z, S* x0,
                  S* out, isize ahead) {
    const reverse_coefficients<S> c = coefficients;
    for (isize e = 0; e < size; e += 64) {
        fetch_elements<64>(xt + e + ahead);
        fetch_elements<64>(p + e + ahead);
        const isize count = size - e < 64 ? size - e : 64;
        const S* const normals = z == nullptr ? nullptr : z + e;
        S* const kept_x0 = x0 == nullptr ? nullptr : x0 + e;
        if (c.eps != 0) {
            take_reverse_step<true>(count, c, xt + e, p + e, normals, kept_x0, out + e);
        } else {
            take_reverse_step<false>(count, c, xt + e, p + e, normals, kept_x0, out + e);
        }
    }
}

/// Elements first … first + count − 1 of `columns` columns, with z from the address `at` on; first is a multiple of 64.
template <class S>
void reverse_step_with_normals(const normal_address& at, const reverse_coefficients<S>& coefficients, isize columns,
                               isize first, isize count, strided_columns<const S> xt, strided_columns<const S> p,
                               strided_columns<S> x0, strided_columns<S> out) {
    const reverse_coefficients<S> c = coefficients;
    const philox_keys keys = make_philox_keys(at.seed);
    for (isize n = 0; n < columns; ++n) {
        const philox_sample sample = make_philox_sample(keys, at, n);
        block_reads<S> reads = {};
        reads.add(xt.first + n * xt.stride);
        reads.add(p.first + n * p.stride);
        for (isize e = 0; e < count; e += normals_at_once) {
            const isize size = count - e < normals_at_once ? count - e : normals_at_once;
            S z[normals_at_once];
            put_normals(keys, sample, first + e, size, z, reads, e + fetch_ahead);
            const S *const x = xt.first + n * xt.stride + e, *const predicted = p.first + n * p.stride + e;
            S* const kept_x0 = x0.first == nullptr ? nullptr : x0.first + n * x0.stride + e;
            if (c.eps != 0) {
                take_reverse_step<true>(size, c, x, predicted, z, kept_x0, out.first + n * out.stride + e);
            } else {
                take_reverse_step<false>(size, c, x, predicted, z, kept_x0, out.first + n * out.stride + e);
            }
        }
    }
}
