// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see ddpm/kernels/detail/foreach_target.hpp): the probes of the roofline.

/// Independent chains of multiply-adds, enough to hide the latency of two units.
inline constexpr index fma_chains = 12;

template <class S>
S run_fma_chains(index rounds) {
    pack<S> chain[fma_chains];
    DDPM_UNROLL
    for (index j = 0; j < fma_chains; ++j) {
        chain[j] = splat(static_cast<S>(j));
    }
    const pack<S> factor = splat(S(0.75));
    const pack<S> term = splat(S(0.25));
    for (index i = 0; i < rounds; ++i) {
        DDPM_UNROLL
        for (index j = 0; j < fma_chains; ++j) {
            chain[j] = multiply_add(chain[j], factor, term);
        }
    }
    S sum = 0;
    DDPM_UNROLL
    for (index j = 0; j < fma_chains; ++j) {
        sum += chain[j][0];
    }
    return sum;
}

template <class S>
index operations_of_fma_chains(index rounds) {
    return 2 * fma_chains * lanes<S> * rounds;
}

/// out = x + a · y, the triad of the STREAM benchmark, written past the caches. `out` begins at a multiple of 16 bytes.
inline void triad(const float* x, const float* y, float a, float* out, index size) {
    const pack<float> factor = splat(a);
    index i = 0;
    for (; i + lanes<float> <= size; i += lanes<float>) {
        put<true>(out + i, multiply_add(factor, load(y + i), load(x + i)));
    }
    for (; i < size; ++i) {
        out[i] = x[i] + a * y[i];
    }
    end_stream<true>();
}

inline float read_sum(const float* x, index size) {
    pack<float> sum[4] = {splat(0.0f), splat(0.0f), splat(0.0f), splat(0.0f)};
    for (index i = 0; i + 4 * lanes<float> <= size; i += 4 * lanes<float>) {
        DDPM_UNROLL
        for (index j = 0; j < 4; ++j) {
            sum[j] += load(x + i + j * lanes<float>);
        }
    }
    return (sum[0] + sum[1] + sum[2] + sum[3])[0];
}
