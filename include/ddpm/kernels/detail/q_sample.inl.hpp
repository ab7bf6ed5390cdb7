// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of q_sample.hpp: elements first … first + count − 1 of `columns` columns, whose noise begins at the address
// `at`; first is a multiple of 64.

/// out = signal · x + sigma · z. Copies z to eps if that is not null.
template <class S>
DDPM_INLINE void add_normals(isize size, noise_level<S> level, const S* x, const S* z, S* eps, S* out) {
    isize i = 0;
    for (; i + lanes<S> <= size; i += lanes<S>) {
        const pack<S> noise = load(z + i);
        store(out + i, level.signal * load(x + i) + level.sigma * noise);
        if (eps != nullptr) {
            store(eps + i, noise);
        }
    }
    for (; i < size; ++i) {
        out[i] = level.signal * x[i] + level.sigma * z[i];
        if (eps != nullptr) {
            eps[i] = z[i];
        }
    }
}

template <class S>
void q_sample(const normal_address& at, const noise_level<S>* levels, isize columns, isize first, isize count,
              strided_columns<const S> x, strided_columns<S> eps, strided_columns<S> out) {
    const philox_keys keys = make_philox_keys(at.seed);
    for (isize n = 0; n < columns; ++n) {
        const philox_sample sample = make_philox_sample(keys, at, n);
        const noise_level<S> level = levels[n];
        block_reads<S> reads = {};
        reads.add(x.first + n * x.stride);
        reads.add(out.first + n * out.stride);
        reads.add(eps.first == nullptr ? nullptr : eps.first + n * eps.stride);
        for (isize e = 0; e < count; e += normals_at_once) {
            const isize size = count - e < normals_at_once ? count - e : normals_at_once;
            S z[normals_at_once];
            put_normals(keys, sample, first + e, size, z, reads, e + fetch_ahead);
            add_normals(size, level, x.first + n * x.stride + e, z,
                        eps.first == nullptr ? nullptr : eps.first + n * eps.stride + e,
                        out.first + n * out.stride + e);
        }
    }
}
