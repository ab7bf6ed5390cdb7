// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): packs of float from and to bfloat16 in memory.

struct halves_of {
    typedef std::uint16_t type __attribute__((vector_size(DDPM_TARGET_BYTES / 2)));
};

// GCC converts between vectors of 16-bit and of 32-bit numbers in several steps.
#if defined(DDPM_TARGET_AVX512)
DDPM_INLINE pack<std::uint32_t> widen(halves_of::type v) {
    pack<std::uint32_t> wide;
    asm("vpmovzxwd %1, %0" : "=v"(wide) : "v"(v));
    return wide;
}
DDPM_INLINE halves_of::type lower_halves(pack<std::uint32_t> v) {
    halves_of::type lower;
    asm("vpmovdw %1, %0" : "=v"(lower) : "v"(v));
    return lower;
}
#else
DDPM_INLINE pack<std::uint32_t> widen(halves_of::type v) { return __builtin_convertvector(v, pack<std::uint32_t>); }
DDPM_INLINE halves_of::type lower_halves(pack<std::uint32_t> v) { return __builtin_convertvector(v, halves_of::type); }
#endif

/// The lanes<float> numbers at p, exactly.
DDPM_INLINE pack<float> load_float(const bfloat16* p) {
    halves_of::type v;
    __builtin_memcpy(&v, p, sizeof v);
    return as<float>(widen(v) << 16);
}
DDPM_INLINE pack<float> load_float(const float* p) { return load(p); }

/// lanes<float> pairs of bfloat16 at p, which need no alignment of pairs; the first of a pair is the lower half.
DDPM_INLINE pack<std::uint32_t> load_pairs(const bfloat16* p) {
    pack<std::uint32_t> v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}
DDPM_INLINE void store_pairs(bfloat16* p, pack<std::uint32_t> v) { __builtin_memcpy(p, &v, sizeof v); }

/// The bits of x rounded to the nearest bfloat16, ties to even, in the upper half of each lane; a NaN stays one.
DDPM_INLINE pack<std::uint32_t> rounded_bits(pack<float> x) {
    const pack<std::uint32_t> bits = as<std::uint32_t>(x);
    const pack<std::uint32_t> rounded = bits + 0x7fffu + (bits >> 16 & 1u);
    // NOLINTNEXTLINE(misc-redundant-expression): false for a NaN
    return select(x == x, rounded, bits | 0x400000u) & 0xffff0000u;
}

/// x as T can hold it.
template <class T>
DDPM_INLINE pack<float> rounded_to(pack<float> x) {
    return sizeof(T) == 2 ? as<float>(rounded_bits(x)) : x;
}

/// Stores what rounded_to gave.
DDPM_INLINE void store_rounded(bfloat16* p, pack<float> x) {
    const halves_of::type v = lower_halves(as<std::uint32_t>(x) >> 16);
    __builtin_memcpy(p, &v, sizeof v);
}
DDPM_INLINE void store_rounded(float* p, pack<float> x) { store(p, x); }

/// The first `count` numbers at p, as floats.
template <class T>
DDPM_INLINE pack<float> load_some(const T* p, isize count) {
    T room[static_cast<std::size_t>(lanes<float>)];
    return load_float(whole<lanes<float>>(p, count, room));
}

/// Stores the first `count` numbers of what rounded_to gave.
template <class T>
DDPM_INLINE void store_some(T* p, pack<float> v, isize count) {
    if (count == lanes<float>) {
        store_rounded(p, v);
        return;
    }
    T room[static_cast<std::size_t>(lanes<float>)];
    store_rounded(room, v);
    __builtin_memcpy(p, room, static_cast<decltype(sizeof 0)>(count) * sizeof(T));
}

/// Stores the first `count` numbers of x with the precision of T, which X can hold, and returns them as they are now.
template <class T, class X>
DDPM_INLINE pack<float> store_as(X* p, pack<float> x, isize count) {
    const pack<float> rounded = rounded_to<T>(x);
    store_some(p, rounded, count);
    return rounded;
}

/// 2^x for x ≤ 0 with a relative error of 8e-5, less than what rounding to bfloat16 adds, by a minimax polynomial. For
/// x below −125 it gives 2^-125.
DDPM_INLINE pack<float> power_of_two_for_bfloat16(pack<float> x) {
    const pack<float> t = max(splat(-125.0f), x);
    const pack<float> shift = splat(float_format<float>::whole_shift), shifted = t + shift;
    const pack<float> f = t - (shifted - shift);
    const pack<float> cubic = multiply_add(splat(0.05517167f), f, splat(0.24261112f));
    const pack<float> power = multiply_add(multiply_add(cubic, f, splat(0.69326099f)), f, splat(0.99992807f));
    // The low bits of `shifted` are the whole part of t, which is added to the exponent.
    return as<float>(as<std::uint32_t>(power) + (as<std::uint32_t>(shifted) << 23));
}

/// out = x with the precision of Precision, which Out can hold.
template <class Precision, class Out, class In>
void convert_array(isize size, const In* x, Out* out) {
    isize i = 0;
    for (; i + lanes<float> <= size; i += lanes<float>) {
        store_rounded(out + i, rounded_to<Precision>(load_float(x + i)));
    }
    if (i < size) {
        store_some(out + i, rounded_to<Precision>(load_some(x + i, size - i)), size - i);
    }
}
