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

/// Reads `reads` arrays, writes `writes` and updates `updates`, all at the offset `first`, with an addition or a
/// multiply-add for each load and nothing else. What is left over after whole groups of packs is left alone.
template <bool Stream>
float run_streams(const float* const* in, index reads, float* const* out, index writes, float* const* both,
                  index updates, index first, index size) {
    constexpr index group = 8;
    const pack<float> half = splat(0.5f);
    pack<float> read[group];
    DDPM_UNROLL
    for (index j = 0; j < group; ++j) {
        read[j] = splat(0.25f);
    }
    for (index i = first; i + group * lanes<float> <= first + size; i += group * lanes<float>) {
        DDPM_UNROLL
        for (index j = 0; j < group; ++j) {
            read[j] *= half;  // so that it stays bounded
        }
        for (index array = 0; array < reads; ++array) {
            DDPM_UNROLL
            for (index j = 0; j < group; ++j) {
                read[j] += load(in[array] + i + j * lanes<float>);
            }
        }
        for (index array = 0; array < updates; ++array) {
            DDPM_UNROLL
            for (index j = 0; j < group; ++j) {
                float* const at = both[array] + i + j * lanes<float>;
                store(at, multiply_add(load(at), half, read[j]));
            }
        }
        for (index array = 0; array < writes; ++array) {
            DDPM_UNROLL
            for (index j = 0; j < group; ++j) {
                put<Stream>(out[array] + i + j * lanes<float>, read[j]);
            }
        }
    }
    end_stream<Stream>();
    float sum = 0;
    DDPM_UNROLL
    for (index j = 0; j < group; ++j) {
        sum += read[j][0];
    }
    return sum;
}
