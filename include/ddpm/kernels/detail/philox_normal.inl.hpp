// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): fills samples with addressed normals.

/// 64 normals, from the counters first … first + 15.
DDPM_INLINE void make_normal_block(const philox_keys& keys, const philox_sample& sample, std::uint32_t first,
                                   float* out) {
    for (isize i = 0; i < 16; i += lanes<float>) {
        const normal_group normals = make_normals(keys, sample, first + static_cast<std::uint32_t>(i));
        store(out + i, normals.low.first);
        store(out + i + 16, normals.low.second);
        store(out + i + 32, normals.high.first);
        store(out + i + 48, normals.high.second);
    }
}

/// A full block in place.
DDPM_INLINE void put_normal_block(const philox_keys& keys, const philox_sample& sample, std::uint32_t first,
                                  float* out) {
    make_normal_block(keys, sample, first, out);
}

DDPM_INLINE void put_normal_block(const philox_keys& keys, const philox_sample& sample, std::uint32_t first,
                                  double* out) {
    float block[64];
    make_normal_block(keys, sample, first, block);
    for (isize i = 0; i < 64; ++i) {
        out[i] = static_cast<double>(block[i]);
    }
}

/// A block, or the first `count` of it.
template <class S>
DDPM_INLINE void put_normals(const philox_keys& keys, const philox_sample& sample, std::uint32_t first, isize count, S* out) {
    if (count >= 64) {
        put_normal_block(keys, sample, first, out);
        return;
    }
    float block[64];
    make_normal_block(keys, sample, first, block);
    for (isize i = 0; i < count; ++i) {
        out[i] = static_cast<S>(block[i]);
    }
}

/// Elements first … first + count − 1 of `columns` samples, from at.sample on; first is a multiple of 64. `out` is
/// where element `first` of the first sample goes, the next sample's is `stride` further.
template <class S>
void philox_normal(const normal_address& at, S* out, isize stride, isize columns, isize first, isize count) {
    const philox_keys keys = make_philox_keys(at.seed);
    for (isize n = 0; n < columns; ++n, out += stride) {
        const philox_sample sample =
            make_philox_sample(keys, at.step, at.sample + static_cast<std::uint32_t>(n), at.stream);
        for (isize e = 0; e < count; e += 64) {
            put_normals(keys, sample, static_cast<std::uint32_t>((first + e) / 4), count - e, out + e);
        }
    }
}
