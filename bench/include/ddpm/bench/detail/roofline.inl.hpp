// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see ddpm/kernels/detail/foreach_target.hpp): the probes of the roofline.

/// Independent chains of multiply-adds, enough to hide the latency of two units.
inline constexpr isize fma_chains = 12;

template <class S>
S run_fma_chains(isize rounds) {
    pack<S> chain[fma_chains];
    DDPM_UNROLL
    for (isize j = 0; j < fma_chains; ++j) {
        chain[j] = splat(static_cast<S>(j));
    }
    const pack<S> factor = splat(S(0.75));
    const pack<S> term = splat(S(0.25));
    for (isize i = 0; i < rounds; ++i) {
        DDPM_UNROLL
        for (isize j = 0; j < fma_chains; ++j) {
            chain[j] = multiply_add(chain[j], factor, term);
        }
    }
    S sum = 0;
    DDPM_UNROLL
    for (isize j = 0; j < fma_chains; ++j) {
        sum += chain[j][0];
    }
    return sum;
}

template <class S>
isize operations_of_fma_chains(isize rounds) {
    return 2 * fma_chains * lanes<S> * rounds;
}

/// Reads so many arrays, writes and updates others, all at the offset `first`, with an addition or a multiply-add for
/// each load and nothing else. What is left over after whole groups of packs is left alone.
template <int Reads, int Writes, int Updates, bool Stream>
float run_streams(const float* const* in, float* const* out, float* const* both, isize first, isize size) {
    constexpr int group = 4;
    const pack<float> half = splat(0.5f);
    pack<float> sum[group];
    DDPM_UNROLL
    for (int j = 0; j < group; ++j) {
        sum[j] = half;
    }
    for (isize i = first; i + group * lanes<float> <= first + size; i += group * lanes<float>) {
        DDPM_UNROLL
        for (int j = 0; j < group; ++j) {
            const isize at = i + j * lanes<float>;
            if constexpr (Reads > 0) {
                sum[j] *= half;  // so that it stays bounded
                DDPM_UNROLL
                for (int array = 0; array < Reads; ++array) {
                    sum[j] += load(in[array] + at);
                }
            }
            DDPM_UNROLL
            for (int array = 0; array < Updates; ++array) {
                store(both[array] + at, multiply_add(load(both[array] + at), half, sum[j]));
            }
            DDPM_UNROLL
            for (int array = 0; array < Writes; ++array) {
                put(Stream, out[array] + at, sum[j]);
            }
        }
    }
    end_stream(Stream);
    return (sum[0] + sum[1] + sum[2] + sum[3])[0];
}
