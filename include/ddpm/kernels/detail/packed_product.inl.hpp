// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): products of packed weights, 32 outputs at a time.

/// The part of the input that a tile reads: one pointer for every three pixels, as in right_columns.
template <class X, isize Pixels>
struct tile_input {
    const X* third[static_cast<std::size_t>((Pixels + 2) / 3)];
    isize pixel;

    DDPM_INLINE void begin(const X* x) {
        DDPM_UNROLL
        for (isize p = 0; p < Pixels; p += 3) {
            third[p / 3] = x + p * pixel;
            asm("" : "+r"(third[p / 3]));
        }
    }
    DDPM_INLINE const X* at(isize p, isize k) const { return third[p / 3] + p % 3 * pixel + k; }
    DDPM_INLINE void pass(isize count) {
        DDPM_UNROLL
        for (isize p = 0; p < Pixels; p += 3) {
            third[p / 3] += count;
        }
    }
};

/// Adds the products with one k of float weights, whose outputs are contiguous.
template <isize Pixels>
DDPM_INLINE void add_step(tile_sums<float, 1, Pixels>& sums, const tile_input<float, Pixels>& x, isize k,
                          const float* weights) {
    const pack<float> first = load(weights), second = load(weights + lanes<float>);
    DDPM_UNROLL
    for (isize p = 0; p < Pixels; ++p) {
        const pack<float> number = splat(*x.at(p, k));
        sums.of[p][0] = multiply_add(first, number, sums.of[p][0]);
        sums.of[p][1] = multiply_add(second, number, sums.of[p][1]);
    }
}

/// Adds the products with k and k + 1 of bfloat16 weights, of which each output has a pair; x has the precision of
/// bfloat16 too.
template <isize Pixels>
DDPM_INLINE void add_step(tile_sums<float, 1, Pixels>& sums, const tile_input<float, Pixels>& x, isize k,
                          const bfloat16* weights) {
    const bfloat16* pairs = weights;
    DDPM_UNROLL
    for (isize odd = 0; odd < 2; ++odd) {
        asm("" : "+r"(pairs));  // so that it loads again: all four factors would not fit in the registers
        const pack<std::uint32_t> two[2] = {load_pairs(pairs), load_pairs(pairs + 2 * lanes<float>)};
        const pack<float> first = as<float>(odd == 0 ? two[0] << 16 : two[0] & 0xffff0000u);
        const pack<float> second = as<float>(odd == 0 ? two[1] << 16 : two[1] & 0xffff0000u);
        DDPM_UNROLL
        for (isize p = 0; p < Pixels; ++p) {
            const pack<float> number = splat(*x.at(p, k + odd));
            sums.of[p][0] = multiply_add(first, number, sums.of[p][0]);
            sums.of[p][1] = multiply_add(second, number, sums.of[p][1]);
        }
    }
}

/// What the sums of a tile begin at.
template <isize Pixels, class W>
DDPM_INLINE tile_sums<float, 1, Pixels> sums_before(const packed_problem<W>& problem, isize first, isize output) {
    tile_sums<float, 1, Pixels> sums{};
    if (problem.add) {
        DDPM_UNROLL
        for (isize p = 0; p < Pixels; ++p) {
            const float* const from = problem.sums + (first + p) * problem.sums_pixel + output;
            sums.of[p][0] = load(from);
            sums.of[p][1] = load(from + lanes<float>);
        }
    }
    return sums;
}

/// The sums of `Pixels` pixels and of tile_rows outputs from `output` on.
template <isize Pixels, class W>
__attribute__((noinline)) void packed_tile(const packed_problem<W>& problem, isize first, isize output) {
    constexpr isize step = packed_step<W>, unrolled = 4;
    tile_sums<float, 1, Pixels> sums = sums_before<Pixels>(problem, first, output);
    tile_input<float, Pixels> x;
    x.pixel = problem.pixel;
    const auto* const begin = static_cast<const float*>(problem.x) + first * problem.pixel;
    const W* weights = problem.weights + output * step;
    for (isize s = 0; s < problem.segment_count; ++s) {
        x.begin(begin + problem.segments[s]);
        for (isize k = 0; k < problem.depth; k += unrolled) {
            DDPM_UNROLL
            for (isize i = 0; i < unrolled; i += step) {
                add_step<Pixels>(sums, x, i, weights + i * packed_outputs);
            }
            x.pass(unrolled);
            weights += unrolled * packed_outputs;
        }
    }
    DDPM_UNROLL
    for (isize p = 0; p < Pixels; ++p) {
        float* const to = problem.sums + (first + p) * problem.sums_pixel + output;
        store(to, sums.of[p][0]);
        store(to + lanes<float>, sums.of[p][1]);
    }
}

template <class W>
void packed_product(const packed_problem<W>& problem) {
    for (isize output = 0; output < packed_outputs; output += tile_rows<float>) {
        isize p = 0;
        while (p + wide_columns <= problem.pixels && problem.pixels - p != wide_columns + few_columns) {
            packed_tile<wide_columns>(problem, p, output);
            p += wide_columns;
        }
        for (; p + middle_columns <= problem.pixels; p += middle_columns) {
            packed_tile<middle_columns>(problem, p, output);
        }
        for (; p < problem.pixels; p += few_columns) {
            packed_tile<few_columns>(problem, p, output);
        }
    }
}
