// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The bodies of read_pixels.hpp.

/// x · sigmoid(x) with a relative error of 2.5e-4, a tenth of what rounding to bfloat16 adds. 1 / (1 + e) is a minimax
/// polynomial and a step of Newton's method.
DDPM_INLINE pack<float> silu_for_bfloat16(pack<float> x) {
    const pack<float> e = power_of_two_for_bfloat16(abs(x) * -1.44269504f);
    const pack<float> guess =
        multiply_add(multiply_add(splat(0.32323232f), e, splat(-0.80808081f)), e, splat(0.98989899f));
    const pack<float> inverse = guess * multiply_add(-(e + 1.0f), guess, splat(2.0f));
    return select(x < 0.0f, x * e, x) * inverse;
}

template <activation F, class T>
DDPM_INLINE pack<float> activate_for(pack<float> x) {
    if constexpr (F == activation::silu && sizeof(T) == 2) {
        return silu_for_bfloat16(x);
    } else {
        return activate<F, float>(x);
    }
}

/// For pixels first … last − 1 and `count` channels from channel c on, which are within a chunk.
template <activation F, class T, class X>
DDPM_INLINE void activate_channels(const pixel_problem<T, X>& of, isize first, isize last, isize c, isize count) {
    const pack<float> scale = of.a == nullptr ? splat(1.0f) : load_some(of.a + c, count);
    const pack<float> shift = of.a == nullptr ? pack<float>{} : load_some(of.b + c, count);
    const isize k = of.first + c;
    const T* from = of.from + first * of.from_pixel + c;
    X* to = of.to + k / of.chunk * of.to_chunk + first * of.copies * of.to_pixel + k % of.chunk;
    for (isize p = first; p < last; ++p) {
        __builtin_prefetch(from + 16 * of.from_pixel);
        const pack<float> x = load_some(from, count);
        const pack<float> v = activate_for<F, T>(multiply_add(scale, x, shift));
        from += of.from_pixel;
        for (isize copy = 0; copy < of.copies; ++copy) {
            if constexpr (sizeof(X) == 2) {
                store_as<X>(to, v, count);
            } else {
                store_as<T>(to, v, count);
            }
            to += of.to_pixel;
        }
    }
}

template <activation F, class T, class X>
void activate_pixels(const pixel_problem<T, X>& of) {
    constexpr isize at_once = 8;  // pixels: they are contiguous in memory, so that the processor fetches the next ones
    for (isize p = 0; p < of.pixels; p += at_once) {
        const isize last = p + at_once < of.pixels ? p + at_once : of.pixels;
        for (isize c = 0; c < of.channels;) {
            // Neither the channels nor a chunk end within a pack.
            const isize left = of.channels - c, in_chunk = of.chunk - (of.first + c) % of.chunk;
            const isize most = left < in_chunk ? left : in_chunk;
            if (most >= lanes<float>) {
                activate_channels<F, T, X>(of, p, last, c, lanes<float>);
            } else {
                activate_channels<F, T, X>(of, p, last, c, most);
            }
            c += most < lanes<float> ? most : lanes<float>;
        }
    }
}

DDPM_INLINE void copy_numbers(isize count, const float* from, float* to) {
    __builtin_memcpy(to, from, static_cast<decltype(sizeof 0)>(count) * sizeof(float));
}
DDPM_INLINE void copy_numbers(isize count, const bfloat16* from, bfloat16* to) {
    if (count == 32) {  // a whole chunk
        __builtin_memcpy(to, from, 64);
    } else {
        __builtin_memcpy(to, from, static_cast<decltype(sizeof 0)>(count) * sizeof(bfloat16));
    }
}
DDPM_INLINE void copy_numbers(isize count, const bfloat16* from, float* to) {
    isize i = 0;
    for (; i + lanes<float> <= count; i += lanes<float>) {
        store(to + i, load_float(from + i));
    }
    if (i < count) {
        store_some(to + i, load_some(from + i, count - i), count - i);
    }
}

DDPM_INLINE void copy_numbers(isize count, const float* from, bfloat16* to) {
    isize i = 0;
    for (; i + lanes<float> <= count; i += lanes<float>) {
        store_as<bfloat16>(to + i, load(from + i), lanes<float>);
    }
    if (i < count) {
        store_as<bfloat16>(to + i, load_some(from + i, count - i), count - i);
    }
}

template <class T, class X>
void copy_pixels(const pixel_problem<T, X>& of) {
    const T* const end = of.from + of.channels;
    isize k = of.first;
    for (const T* from = of.from; from < end;) {
        const isize left = end - from, in_chunk = of.chunk - k % of.chunk;
        const isize count = left < in_chunk ? left : in_chunk;
        X* to = of.to + k / of.chunk * of.to_chunk + k % of.chunk;
        for (isize p = 0; p < of.pixels; ++p) {
            for (isize copy = 0; copy < of.copies; ++copy) {
                copy_numbers(count, from + p * of.from_pixel, to);
                to += of.to_pixel;
            }
        }
        from += count;
        k += count;
    }
}
