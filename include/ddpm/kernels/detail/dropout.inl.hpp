// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of dropout.hpp.

/// The words of 64 elements, from the counters first … first + 15.
DDPM_INLINE void make_word_block(const philox_keys& keys, const philox_sample& sample, std::uint32_t first,
                                 std::uint32_t* out) {
    for (isize i = 0; i < 16; i += lanes<std::uint32_t>) {
        const pack<std::uint64_t> counters = even_counters() + std::uint64_t{first + static_cast<std::uint32_t>(i)};
        const philox_words even = philox(keys, sample, counters);
        const philox_words odd = philox(keys, sample, counters + 1u);
        store(out + i, interleave(even.word0, odd.word0));
        store(out + i + 16, interleave(even.word1, odd.word1));
        store(out + i + 32, interleave(even.word2, odd.word2));
        store(out + i + 48, interleave(even.word3, odd.word3));
    }
}

template <class S>
DDPM_INLINE void drop_some(const std::uint32_t* words, std::uint32_t threshold, S factor, const S* x, S* out,
                           isize count) {
    for (isize i = 0; i < count; ++i) {
        out[i] = words[i] >= threshold ? x[i] * factor : S(0);
    }
}

template <class S>
DDPM_INLINE void drop_block(const std::uint32_t* words, std::uint32_t threshold, S factor, const S* x, S* out) {
    if constexpr (sizeof(S) == sizeof(float)) {
        for (isize i = 0; i < 64; i += lanes<S>) {
            store(out + i, select(load(words + i) >= threshold, load(x + i) * factor, pack<S>{}));
        }
    } else {
        drop_some(words, threshold, factor, x, out, 64);
    }
}

/// Elements first … first + count − 1 of `columns` samples, from at.sample on; first is a multiple of 64. x and out
/// point to element `first` of the first sample.
template <class S>
void dropout(const normal_address& at, std::uint32_t threshold, S factor, const S* x, isize x_stride, S* out,
             isize out_stride, isize columns, isize first, isize count) {
    const philox_keys keys = make_philox_keys(at.seed);
    std::uint32_t words[64];
    for (isize n = 0; n < columns; ++n, x += x_stride, out += out_stride) {
        const philox_sample sample = make_philox_sample(keys, at, n);
        isize e = 0;
        for (; e + 64 <= count; e += 64) {
            make_word_block(keys, sample, static_cast<std::uint32_t>((first + e) / 4), words);
            drop_block(words, threshold, factor, x + e, out + e);
        }
        if (e < count) {
            make_word_block(keys, sample, static_cast<std::uint32_t>((first + e) / 4), words);
            drop_some(words, threshold, factor, x + e, out + e, count - e);
        }
    }
}
