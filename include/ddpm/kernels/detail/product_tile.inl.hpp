// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): a tile of a product, for matrix_product.

// As many columns as the registers hold, for most of the work. What is left at the right is done by narrower tiles,
// over several panels at once where one has too few sums to hide the latency of an addition.
#if defined(DDPM_TARGET_AVX512) || defined(DDPM_TARGET_NEON)
inline constexpr index tile_columns = 12, few_columns = 4, few_panels = 1;
#else
inline constexpr index tile_columns = 6, few_columns = 2, few_panels = 2;
#endif
inline constexpr index one_column_panels = 4;

/// What later tiles need, fetched while this one computes: two columns of B, and a tile of C.
template <class S>
struct soon_needed {
    strided<S> b;
    const S* c;
};

// A tile's part of B, row by row. Rows come in groups of `together`, in which row `at` has its own address where that is a
// constant, since sums of addresses share ports with the products.

/// Any two steps, or columns that are contiguous. One pointer for three columns: more would not fit the registers, and
/// fewer would make each address wait for the last. The empty asm keeps compilers from deriving one from the other again.
template <class S, index Columns, bool Contiguous>
struct right_columns {
    static constexpr index together = Contiguous ? 4 : 1;

    const S* third[(Columns + 2) / 3];
    index row, column;

    DDPM_INLINE explicit right_columns(strided<S> b) : row(Contiguous ? 1 : b.row), column(b.column) {
        DDPM_UNROLL
        for (index j = 0; j < Columns; j += 3) {
            third[j / 3] = b.data + j * column;
            asm("" : "+r"(third[j / 3]));
        }
    }

    DDPM_INLINE S number(index at, index j) const { return third[j / 3][j % 3 * column + at]; }

    DDPM_INLINE void pass(index at, index group) {
        if (at + 1 == group) {
            DDPM_UNROLL
            for (index j = 0; j < Columns; j += 3) {
                third[j / 3] += group * row;
            }
        }
    }
};

/// Rows that are contiguous.
template <class S>
struct right_rows {
    static constexpr index together = 4;

    const S* first;
    index row;

    DDPM_INLINE explicit right_rows(strided<S> b) : first(b.data), row(b.row) {}
    DDPM_INLINE S number(index, index j) const { return first[j]; }
    DDPM_INLINE void pass(index, index) { first += row; }
};

/// A tile of C: its columns as packs.
template <class S, index Panels, index Columns>
struct tile_sums {
    pack<S> of[Columns][2 * Panels];
};

/// Adds the product of a column of A, at a, and a row of B; fetches what lies `ahead` of a.
template <class S, index Panels, index Columns, class Right>
DDPM_INLINE void add_product(tile_sums<S, Panels, Columns>& sums, const S* a, index a_panel, index ahead,
                             const Right& right, index at) {
    constexpr index packs = 2 * Panels;
    pack<S> left[packs];
    DDPM_UNROLL
    for (index v = 0; v < packs; ++v) {
        const S* const from = a + v / 2 * a_panel + v % 2 * lanes<S>;
        left[v] = load(from);
        if constexpr (Columns > 1) {
            __builtin_prefetch(from + ahead);
        }
    }
    DDPM_UNROLL
    for (index j = 0; j < Columns; ++j) {
        const pack<S> number = splat(right.number(at, j));
        DDPM_UNROLL
        for (index v = 0; v < packs; ++v) {
            sums.of[j][v] = multiply_add(left[v], number, sums.of[j][v]);
        }
    }
}

/// Adds a·b.
template <bool Far, class S, index Panels, index Columns, class Right>
DDPM_INLINE void add_products(tile_sums<S, Panels, Columns>& sums, index depth, const S* a, index a_step,
                              index a_panel, index ahead, Right right, [[maybe_unused]] strided<S> soon) {
    index k = 0;
    for (; k + Right::together <= depth; k += Right::together) {
        DDPM_UNROLL
        for (index at = 0; at < Right::together; ++at) {
            if constexpr (Far) {
                __builtin_prefetch(soon.data + at % 2 * soon.column, 0, 2);
                soon.data += soon.row;
            }
            add_product(sums, a, a_panel, ahead, right, at);
            a += a_step;
            right.pass(at, Right::together);
        }
    }
    for (; k < depth; ++k) {
        add_product(sums, a, a_panel, ahead, right, 0);
        a += a_step;
        right.pass(0, 1);
    }
}

/// c = start + a·b for one tile, start = 0 if null. Its a and b are the block's operands from the tile's first row and
/// column; `cold` says that a is read for the first time, where it lies in columns that no prefetcher foresees.
template <class S, index Panels, index Columns, bool Far>
DDPM_INLINE void run_tile(index depth, const S* a, index a_step, index a_panel, bool cold, strided<S> b,
                          const S* start, index start_column, S* c, index c_column, [[maybe_unused]] soon_needed<S> soon) {
    constexpr index width = lanes<S>;
    constexpr index packs = 2 * Panels;
    const index ahead = cold ? 48 * a_step : 0;  // columns of a: some hundred cycles
    tile_sums<S, Panels, Columns> sums{};
    if (start != nullptr) {
        DDPM_UNROLL
        for (index j = 0; j < Columns; ++j) {
            DDPM_UNROLL
            for (index v = 0; v < packs; ++v) {
                sums.of[j][v] = load(start + j * start_column + v * width);
            }
        }
    }
    if constexpr (Far) {
        DDPM_UNROLL
        for (index j = 0; j < Columns; ++j) {
            DDPM_UNROLL
            for (index v = 0; v < packs; ++v) {
                __builtin_prefetch(soon.c + j * c_column + v * width);
            }
        }
    }
    if (Columns == tile_columns && b.row == 1) {
        add_products<Far>(sums, depth, a, a_step, a_panel, ahead, right_columns<S, Columns, true>(b), soon.b);
    } else if (Columns == tile_columns && b.column == 1) {
        add_products<Far>(sums, depth, a, a_step, a_panel, ahead, right_rows<S>(b), soon.b);
    } else {
        add_products<Far>(sums, depth, a, a_step, a_panel, ahead, right_columns<S, Columns, false>(b), soon.b);
    }
    DDPM_UNROLL
    for (index j = 0; j < Columns; ++j) {
        DDPM_UNROLL
        for (index v = 0; v < packs; ++v) {
            store(c + j * c_column + v * width, sums.of[j][v]);
        }
    }
}
