// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body for AVX512_BF16 only: products of packed weights with pairs of bfloat16. An instruction adds to each
// float of a register the products of two pairs.

/// Adds the products with k and k + 1.
template <isize Pixels>
DDPM_INLINE void add_pairs(tile_sums<float, 1, Pixels>& sums, const tile_input<bfloat16, Pixels>& x, isize k,
                           const bfloat16* weights) {
    const pack<std::uint32_t> first = load_pairs(weights), second = load_pairs(weights + 2 * lanes<float>);
    DDPM_UNROLL
    for (isize p = 0; p < Pixels; ++p) {
        std::uint32_t pair = 0;
        __builtin_memcpy(&pair, x.at(p, k), sizeof pair);
        const pack<float> number = as<float>(splat(pair));
        // Intrinsics for it differ between versions of compilers.
        asm("vdpbf16ps %2, %1, %0" : "+v"(sums.of[p][0]) : "v"(first), "v"(number));
        asm("vdpbf16ps %2, %1, %0" : "+v"(sums.of[p][1]) : "v"(second), "v"(number));
    }
}

template <isize Pixels>
__attribute__((noinline)) void pairs_tile(const packed_problem<bfloat16>& problem, isize first) {
    constexpr isize unrolled = 8;
    tile_sums<float, 1, Pixels> sums = sums_before<Pixels>(problem, first, 0);
    tile_input<bfloat16, Pixels> x;
    x.pixel = problem.pixel;
    const auto* const begin = static_cast<const bfloat16*>(problem.x) + first * problem.pixel;
    const bfloat16* weights = problem.weights;
    for (isize s = 0; s < problem.segment_count; ++s) {
        x.begin(begin + problem.segments[s]);
        for (isize k = 0; k < problem.depth; k += unrolled) {
            DDPM_UNROLL
            for (isize i = 0; i < unrolled; i += 2) {
                add_pairs<Pixels>(sums, x, i, weights + i * packed_outputs);
            }
            x.pass(unrolled);
            weights += unrolled * packed_outputs;
        }
    }
    DDPM_UNROLL
    for (isize p = 0; p < Pixels; ++p) {
        float* const to = problem.sums + (first + p) * problem.sums_pixel;
        store(to, sums.of[p][0]);
        store(to + lanes<float>, sums.of[p][1]);
    }
}

// A template, so that only programs that use it compile its tiles.
template <class W>
void pairs_product(const packed_problem<W>& problem) {
    isize p = 0;
    while (p + wide_columns <= problem.pixels && problem.pixels - p != wide_columns + few_columns) {
        pairs_tile<wide_columns>(problem, p);
        p += wide_columns;
    }
    for (; p + middle_columns <= problem.pixels; p += middle_columns) {
        pairs_tile<middle_columns>(problem, p);
    }
    for (; p < problem.pixels; p += few_columns) {
        pairs_tile<few_columns>(problem, p);
    }
}
