// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): fills samples with the normals of their addresses.

/// Generates the normals of `blocks` blocks of 64 elements, from counter `first` on, and prefetches `reads` from
/// element e on. Not inlined, since it is long; its constants stay in vector registers from block to block.
template <class S>
__attribute__((noinline)) void put_normal_blocks(const philox_keys& __restrict keys,
                                                 const philox_sample& __restrict sample, std::uint32_t first,
                                                 isize blocks, float* out, const block_reads<S>& reads, isize e) {
    for (; blocks > 0; --blocks, first += 16, out += 64, e += 64) {
        reads.fetch(e);
        for (isize i = 0; i < 16; i += lanes<float>) {
            const normal_group normals = make_normals(keys, sample, first + static_cast<std::uint32_t>(i));
            store(out + i, normals.low.first);
            store(out + i + 16, normals.low.second);
            store(out + i + 32, normals.high.first);
            store(out + i + 48, normals.high.second);
        }
    }
}

/// Generates the normals of elements first … first + count − 1 of a sample, first a multiple of 64, and prefetches the
/// same number of elements of `reads` from element `begin` on.
template <class S>
DDPM_INLINE void put_normals(const philox_keys& keys, const philox_sample& sample, isize first, isize count, S* out,
                             const block_reads<S>& reads = {}, isize begin = 0) {
    isize e = 0;
    if constexpr (sizeof(S) == sizeof(float)) {
        e = count / 64 * 64;
        put_normal_blocks(keys, sample, static_cast<std::uint32_t>(first / 4), e / 64, out, reads, begin);
    }
    for (; e < count; e += 64) {
        float block[64];
        put_normal_blocks(keys, sample, static_cast<std::uint32_t>((first + e) / 4), 1, block, reads, begin + e);
        for (isize i = 0; i < 64 && e + i < count; ++i) {
            out[e + i] = static_cast<S>(block[i]);
        }
    }
}

/// Number of normals that a kernel generates at a time, so that they are still in the L1 cache when it uses them.
inline constexpr isize normals_at_once = 512;

/// Elements first … first + count − 1 of `columns` samples, from at.sample on; first is a multiple of 64. `out` points
/// to element `first` of the first sample; the next sample is `stride` further.
template <class S>
void philox_normal(const normal_address& at, S* out, isize stride, isize columns, isize first, isize count) {
    const philox_keys keys = make_philox_keys(at.seed);
    for (isize n = 0; n < columns; ++n, out += stride) {
        put_normals(keys, make_philox_sample(keys, at, n), first, count, out);
    }
}
