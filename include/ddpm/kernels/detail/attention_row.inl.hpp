// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of attention_row.hpp.

/// e^(scale · (x − largest)), for bfloat16 with less accuracy.
template <class T>
struct share_of {
    shifted_exp<float> exact;
    DDPM_INLINE pack<float> operator()(pack<float> x) const {
        if constexpr (sizeof(T) == 2) {
            return power_of_two_for_bfloat16((x - exact.largest) * (exact.scale * 1.44269504f));
        } else {
            return exact(x);
        }
    }
};

template <class T, class X>
void find_shares(isize size, float scale, float* scores, X* shares) {
    const share_of<T> e = {{scale, largest_of<float>(size, scores)}};
    const float inverse = 1.0f / put_exponentials<float>(size, e, scores, scores);
    isize i = 0;
    for (; i + lanes<float> <= size; i += lanes<float>) {
        store_rounded(shares + i, rounded_to<T>(load(scores + i) * inverse));
    }
    if (i < size) {
        store_some(shares + i, rounded_to<T>(load_first(scores + i, size - i) * inverse), size - i);
    }
}

template <class T>
void interleave(isize size, const T* even, const T* odd, T* pairs) {
    isize i = 0;
    for (; i + lanes<float> <= size; i += lanes<float>) {
        const pack<std::uint32_t> low = as<std::uint32_t>(load_float(even + i)) >> 16;
        store_pairs(pairs + 2 * i, low | as<std::uint32_t>(load_float(odd + i)));
    }
    for (; i < size; ++i) {
        pairs[2 * i] = even[i];
        pairs[2 * i + 1] = odd[i];
    }
}
