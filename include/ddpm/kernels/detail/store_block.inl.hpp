// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// The body of store_block.hpp.

/// The moments of `count` numbers from the sums of the differences from the first one. None is further from the mean than
/// √count deviations, which bounds the cancellation.
DDPM_INLINE void store_block_moments(pack<float> first, pack<float> sum, pack<float> square, isize count, float* mean) {
    const pack<float> shift = sum / static_cast<float>(count);
    store(mean, first + shift);
    store(mean + packed_outputs, max(pack<float>{}, square - sum * shift));
}

/// For Packs · lanes<float> outputs from `output` on, or, if `Part`, for the first `count` of one pack.
template <isize Packs, bool Part, class T>
DDPM_INLINE void store_outputs(const store_problem<T>& of, isize output, isize count) {
    constexpr isize width = lanes<float>, ahead = 16;  // pixels
    constexpr auto packs = static_cast<std::size_t>(Packs);
    const pack<float> factor = splat(of.factor);
    pack<float> bias[packs], first[packs], sum[packs], square[packs];
    DDPM_UNROLL
    for (isize i = 0; i < Packs; ++i) {
        bias[i] = load(of.bias + output + i * width);
        first[i] = sum[i] = square[i] = pack<float>{};
    }
    for (isize r = 0; r < of.rows; ++r) {
        const float* sums = of.sums + r * of.sums_row * packed_outputs + output;
        T* out = of.out + r * of.out_row + output;
        const T* added = of.added == nullptr ? nullptr : of.added + r * of.out_row + output;
        for (isize p = 0; p < of.pixels; ++p) {
            __builtin_prefetch(out + ahead * of.out_pixel, 1);
            DDPM_UNROLL
            for (isize i = 0; i < Packs; ++i) {
                pack<float> v = load(sums + i * width) + bias[i];
                if (added != nullptr) {
                    v += Part ? load_some(added, count) : load_float(added + i * width);
                }
                v = store_as<T>(out + i * width, v * factor, Part ? count : width);
                if (r == 0 && p == 0) {
                    first[i] = v;
                }
                v -= first[i];
                sum[i] += v;
                square[i] = multiply_add(v, v, square[i]);
            }
            sums += packed_outputs;
            out += of.out_pixel;
            added = added == nullptr ? nullptr : added + of.out_pixel;
        }
    }
    for (isize i = 0; i < Packs && of.moments != nullptr; ++i) {
        store_block_moments(first[i], sum[i], square[i], of.rows * of.pixels, of.moments + output + i * width);
    }
}

template <class T>
void store_block(const store_problem<T>& of) {
    isize output = 0;
    for (; output + 2 * lanes<float> <= of.outputs; output += 2 * lanes<float>) {
        store_outputs<2, false, T>(of, output, 0);
    }
    for (; output < of.outputs; output += lanes<float>) {
        const isize left = of.outputs - output;
        store_outputs<1, true, T>(of, output, left < lanes<float> ? left : lanes<float>);
    }
}
