// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): packs of float from and to bfloat16 in memory.

struct halves_of {
    typedef std::uint16_t type __attribute__((vector_size(DDPM_TARGET_BYTES / 2)));
};

/// The lanes<float> numbers at p, exactly.
DDPM_INLINE pack<float> load_float(const bfloat16* p) {
    halves_of::type v;
    __builtin_memcpy(&v, p, sizeof v);
    return as<float>(__builtin_convertvector(v, pack<std::uint32_t>) << 16);
}
DDPM_INLINE pack<float> load_float(const float* p) { return load(p); }

/// The bits of x rounded to the nearest bfloat16, ties to even, in the upper half of each lane; a NaN stays one.
DDPM_INLINE pack<std::uint32_t> rounded_bits(pack<float> x) {
    const pack<std::uint32_t> bits = as<std::uint32_t>(x);
    const pack<std::uint32_t> rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    return select(x == x, rounded, bits | 0x400000u) & 0xffff0000u;
}

/// x as T can hold it.
template <class T>
DDPM_INLINE pack<float> rounded_to(pack<float> x) {
    return sizeof(T) == 2 ? as<float>(rounded_bits(x)) : x;
}

/// Stores what rounded_to gave.
DDPM_INLINE void store_rounded(bfloat16* p, pack<float> x) {
    const auto v = __builtin_convertvector(as<std::uint32_t>(x) >> 16, halves_of::type);
    __builtin_memcpy(p, &v, sizeof v);
}
DDPM_INLINE void store_rounded(float* p, pack<float> x) { store(p, x); }

/// out = x with the precision of Precision, which Out can hold.
template <class Precision, class Out, class In>
void convert_array(isize size, const In* x, Out* out) {
    isize i = 0;
    for (; i + lanes<float> <= size; i += lanes<float>) {
        store_rounded(out + i, rounded_to<Precision>(load_float(x + i)));
    }
    if (i < size) {
        In from[static_cast<std::size_t>(lanes<float>)];
        Out to[static_cast<std::size_t>(lanes<float>)];
        store_rounded(to, rounded_to<Precision>(load_float(whole<lanes<float>>(x + i, size - i, from))));
        __builtin_memcpy(out + i, to, static_cast<decltype(sizeof 0)>(size - i) * sizeof(Out));
    }
}
