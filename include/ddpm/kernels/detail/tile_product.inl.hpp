// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body for AMX: products of packed weights by tiles, registers of 16 rows of 64 bytes. `Tiles` has the
// operations on tiles, whose numbers must be known at compile time; tests have one that emulates them.

/// Steps of 32 products, of all segments one after another, and which part of the weights that follow `ahead` steps later
/// is fetched into the second-level cache meanwhile.
struct tile_steps {
    isize begin, end;
    isize ahead, first_line, last_line;  // lines of 64 bytes of each step
};

/// Tiles 0 to 2 · Count − 1 are the sums of `Count` times 16 pixels, with 16 outputs each.
template <int Count, class Tiles>
struct tile_sums_of {
    /// Calls Tiles::zero, load or store for all of them.
    static inline void zero() {
        Tiles::template zero<2 * Count - 2>();
        Tiles::template zero<2 * Count - 1>();
        if constexpr (Count > 1) {
            tile_sums_of<Count - 1, Tiles>::zero();
        }
    }
    static inline void load(const float* sums, isize pixel) {
        const float* const last = sums + (Count - 1) * 16 * pixel;
        Tiles::template load<2 * Count - 2>(last, 4 * pixel);
        Tiles::template load<2 * Count - 1>(last + 16, 4 * pixel);
        if constexpr (Count > 1) {
            tile_sums_of<Count - 1, Tiles>::load(sums, pixel);
        }
    }
    static inline void store(float* sums, isize pixel) {
        float* const last = sums + (Count - 1) * 16 * pixel;
        Tiles::template store<2 * Count - 2>(last, 4 * pixel);
        Tiles::template store<2 * Count - 1>(last + 16, 4 * pixel);
        if constexpr (Count > 1) {
            tile_sums_of<Count - 1, Tiles>::store(sums, pixel);
        }
    }
};

/// One step: adds the products of 16, 32 or 48 pixels, `next` bytes apart, with 32 weights of 32 outputs.
template <int Count, class Tiles>
inline void add_tiles(const bfloat16* x, isize next, const bfloat16* weights) {
    constexpr isize output = 4 * packed_outputs;  // in bytes
    const isize more = 16 * next / 2;
    if constexpr (Count == 3) {
        Tiles::template load<7>(weights, output);
        Tiles::template load<6>(x, next);
        Tiles::template multiply_add<0, 6, 7>();
        Tiles::template load<6>(x + more, next);
        Tiles::template multiply_add<2, 6, 7>();
        Tiles::template load<6>(x + 2 * more, next);
        Tiles::template multiply_add<4, 6, 7>();
        Tiles::template load<7>(weights + packed_outputs, output);
        Tiles::template multiply_add<5, 6, 7>();
        Tiles::template load<6>(x + more, next);
        Tiles::template multiply_add<3, 6, 7>();
        Tiles::template load<6>(x, next);
        Tiles::template multiply_add<1, 6, 7>();
    } else {
        Tiles::template load<4>(x, next);
        Tiles::template load<6>(weights, output);
        Tiles::template multiply_add<0, 4, 6>();
        Tiles::template load<7>(weights + packed_outputs, output);
        Tiles::template multiply_add<1, 4, 7>();
        if constexpr (Count == 2) {
            Tiles::template load<5>(x + more, next);
            Tiles::template multiply_add<2, 5, 6>();
            Tiles::template multiply_add<3, 5, 7>();
        }
    }
}

/// Adds some steps to the sums of `Count` times 16 pixels and all 32 outputs; if the steps are the first, and problem.add
/// is not set, the sums begin at 0.
template <int Count, class Tiles>
inline void tile_block(const packed_problem<bfloat16>& problem, isize first, const tile_steps& steps) {
    constexpr isize depth = 32;
    const isize in_segment = problem.depth / depth;
    float* const sums = problem.sums + first * problem.sums_pixel;
    if (steps.begin == 0 && !problem.add) {
        tile_sums_of<Count, Tiles>::zero();
    } else {
        tile_sums_of<Count, Tiles>::load(sums, problem.sums_pixel);
    }
    const auto* const begin = static_cast<const bfloat16*>(problem.x) + first * problem.pixel;
    const bfloat16* weights = problem.weights + steps.begin * depth * packed_outputs;
    isize segment = steps.begin / in_segment, k = steps.begin % in_segment;
    for (isize step = steps.begin; step < steps.end; ++segment) {
        const bfloat16* x = begin + problem.segments[segment] + k * depth;
        for (; k < in_segment && step < steps.end; ++k, ++step) {
            add_tiles<Count, Tiles>(x, 2 * problem.pixel, weights);
            const bfloat16* const later = weights + steps.ahead * depth * packed_outputs;
            for (isize line = steps.first_line; line < steps.last_line; ++line) {
                Tiles::fetch(later + line * 32);
            }
            x += depth;
            weights += depth * packed_outputs;
        }
        k = 0;
    }
    tile_sums_of<Count, Tiles>::store(sums, problem.sums_pixel);
}

/// Some steps for all pixels after another, so that the first-level cache keeps the weights of these steps, and the
/// pixels where the segments of these steps overlap.
template <class Tiles>
void tile_product(const packed_problem<bfloat16>& problem) {
    constexpr isize at_once = 9, lines = 32;
    const isize steps = problem.segment_count * problem.depth / 32, rows = (problem.pixels + 15) / 16;
    const isize blocks = rows > 1 ? rows / 2 : 1;  // the last one may be of three times 16 pixels
    Tiles::begin();
    for (isize begin = 0; begin < steps;) {
        const isize end = blocks == 1 || steps - begin <= at_once ? steps : begin + at_once;
        tile_steps these = {begin, end, at_once, 0, 0};
        for (isize block = 0; block < blocks; ++block) {
            const isize p = block * 32;
            these.first_line = these.last_line;
            these.last_line = (block + 1) * lines / blocks;
            if (rows == 1) {
                tile_block<1, Tiles>(problem, p, these);
            } else if (rows % 2 == 0 || block + 1 < blocks) {
                tile_block<2, Tiles>(problem, p, these);
            } else {
                tile_block<3, Tiles>(problem, p, these);
            }
        }
        begin = end;
    }
    Tiles::end();
}

#if defined(DDPM_TARGET_AMX)

/// The eight tile registers, each of 16 rows of 64 bytes. A thread configures them before use and frees them after it, once
/// for all uses within another, since both take time.
struct tiles {
    static inline thread_local constinit isize users = 0;

    static void begin() {
        if (users++ > 0) {
            return;
        }
        struct {
            unsigned char palette, start_row, reserved[14];
            std::uint16_t bytes[16];
            unsigned char rows[16];
        } configuration = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
        asm volatile("ldtilecfg %0" ::"m"(configuration));
    }
    static void end() {
        if (--users == 0) {
            asm volatile("tilerelease");
        }
    }
    template <int Tile>
    DDPM_INLINE static void zero() {
        asm volatile("tilezero %%tmm%c0" ::"i"(Tile));
    }
    template <int Tile>
    DDPM_INLINE static void load(const void* from, isize row) {
        asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(row), "i"(Tile) : "memory");
    }
    template <int Tile>
    DDPM_INLINE static void store(void* to, isize row) {
        asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(row), "i"(Tile) : "memory");
    }
    DDPM_INLINE static void fetch(const void* from) { __builtin_prefetch(from, 0, 2); }
    /// Sum += A · B, with pairs of bfloat16.
    template <int Sum, int A, int B>
    DDPM_INLINE static void multiply_add() {
        asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(A), "i"(B));
    }
};

#endif
