// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body for AMX: products of packed weights by tiles, registers of 16 rows of 64 bytes. `Tiles` has the
// operations on tiles, whose numbers must be known at compile time; tests have one that emulates them.

/// The sums of 16 pixels, or of 32 if `Both`, and all 32 outputs. Tiles 0 to 3 are the sums of the first pixels, then of
/// the others; 4 and 5 the pixels; 6 and 7 the weights of 16 outputs each.
template <bool Both, class Tiles>
inline void tile_block(const packed_problem<bfloat16>& problem, isize first) {
    constexpr isize rows = 16, step = 32;
    const isize pixel = 2 * problem.pixel;  // in bytes
    const auto* const begin = static_cast<const bfloat16*>(problem.x) + first * problem.pixel;
    const bfloat16* weights = problem.weights;
    Tiles::template zero<0>();
    Tiles::template zero<1>();
    if constexpr (Both) {
        Tiles::template zero<2>();
        Tiles::template zero<3>();
    }
    for (isize s = 0; s < problem.segment_count; ++s) {
        const bfloat16* x = begin + problem.segments[s];
        for (isize k = 0; k < problem.depth; k += step) {
            Tiles::template load<4>(x, pixel);
            Tiles::template load<6>(weights, 4 * packed_outputs);
            Tiles::template multiply_add<0, 4, 6>();
            Tiles::template load<7>(weights + packed_outputs, 4 * packed_outputs);
            Tiles::template multiply_add<1, 4, 7>();
            if constexpr (Both) {
                Tiles::template load<5>(x + rows * problem.pixel, pixel);
                Tiles::template multiply_add<2, 5, 6>();
                Tiles::template multiply_add<3, 5, 7>();
            }
            x += step;
            weights += step * packed_outputs;
        }
    }
    float* const to = problem.sums + first * problem.sums_pixel;
    const isize next = 4 * problem.sums_pixel;  // in bytes
    Tiles::template store<0>(to, next);
    Tiles::template store<1>(to + rows, next);
    if constexpr (Both) {
        Tiles::template store<2>(to + rows * problem.sums_pixel, next);
        Tiles::template store<3>(to + rows * problem.sums_pixel + rows, next);
    }
}

template <class Tiles>
void tile_product(const packed_problem<bfloat16>& problem) {
    Tiles::begin();
    isize p = 0;
    for (; p + 16 < problem.pixels; p += 32) {
        tile_block<true, Tiles>(problem, p);
    }
    if (p < problem.pixels) {
        tile_block<false, Tiles>(problem, p);
    }
    Tiles::end();
}

#if defined(DDPM_TARGET_AMX)

/// The eight tile registers, each of 16 rows of 64 bytes. A thread configures them before use and frees them after it.
struct tiles {
    static void begin() {
        struct {
            unsigned char palette, start_row, reserved[14];
            std::uint16_t bytes[16];
            unsigned char rows[16];
        } configuration = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
        asm volatile("ldtilecfg %0" ::"m"(configuration));
    }
    static void end() { asm volatile("tilerelease"); }
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
    /// Sum += A · B, with pairs of bfloat16.
    template <int Sum, int A, int B>
    DDPM_INLINE static void multiply_add() {
        asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(Sum), "i"(A), "i"(B));
    }
};

#endif
