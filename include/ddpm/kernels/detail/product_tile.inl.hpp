// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): a tile of a product, for matrix_product.

// Columns of a tile. Wide tiles, whose sums fill the vector registers, do most of the work; two middle tiles are used
// if they leave fewer remainder columns than a wide one. Narrow tiles do the remainder columns, over several panels at
// once, since a single panel has too few independent sums to hide the latency of an addition. The baseline, which few
// machines use, has only one width and single columns.
#if defined(DDPM_TARGET_AVX512) || defined(DDPM_TARGET_NEON)
inline constexpr isize wide_columns = 12, middle_columns = 8, few_columns = 4;
#elif defined(DDPM_TARGET_AVX2)
inline constexpr isize wide_columns = 6, middle_columns = 4, few_columns = 2;
#else
inline constexpr isize wide_columns = 4, middle_columns = 4, few_columns = 4;
#endif
inline constexpr isize few_panels = 2, one_column_panels = 4;

/// The part of A that a tile reads: its columns are `step` elements apart, its panels `panel`. If `ahead` is not 0, the
/// elements `ahead` further are prefetched.
template <class S>
struct left_operand {
    const S* first;
    isize step, panel, ahead;
};

// The part of B that a tile reads, in one of two forms. number(k, j) is row k, column j from the current row on;
// advance by pass(count) rows. `group` rows have addresses at constant offsets from the pointers, since address
// arithmetic would compete with the multiply-adds for execution ports.

/// Rows of B, copied with a row length of whole packs.
template <class S>
struct right_copied {
    static constexpr isize group = 4;
    static constexpr isize row = (wide_columns - 1) / lanes<S> * lanes<S> + lanes<S>;
    const S* first;

    DDPM_INLINE explicit right_copied(strided<S> b) : first(b.data) {}
    DDPM_INLINE S number(isize k, isize j) const { return first[k * row + j]; }
    DDPM_INLINE void pass(isize count) { first += count * row; }
};

/// Columns of B read in place: contiguous, or with any row stride. There is one pointer for every three columns: more
/// pointers would not fit in the registers, fewer would need address arithmetic for every column. The empty asm keeps
/// compilers from computing one pointer from another.
template <class S, isize Columns, bool Contiguous>
struct right_columns {
    static constexpr isize group = Contiguous ? 4 : 1;
    const S* third[static_cast<std::size_t>((Columns + 2) / 3)];
    isize row, column;

    DDPM_INLINE explicit right_columns(strided<S> b) : row(Contiguous ? 1 : b.row), column(b.column) {
        DDPM_UNROLL
        for (isize j = 0; j < Columns; j += 3) {
            third[j / 3] = b.data + j * column;
            asm("" : "+r"(third[j / 3]));
        }
    }

    DDPM_INLINE S number(isize k, isize j) const { return third[j / 3][j % 3 * column + k]; }

    DDPM_INLINE void pass(isize count) {
        DDPM_UNROLL
        for (isize j = 0; j < Columns; j += 3) {
            third[j / 3] += count * row;
        }
    }
};

/// Memory that later tiles read, prefetched while this one computes: four addresses `step` elements apart during 16
/// steps of k, and addresses `next` elements further during each following 16 steps.
template <class S>
struct needed_soon {
    const S* first;
    isize step, next;
};

/// `start` are the initial sums of the first chain of a tile, null for 0. The sums are stored to c; if `add`, they are
/// added to it.
template <class S>
struct tile_result {
    const S* start;
    isize start_column;
    S* c;
    isize c_column;
    bool add;
};

/// The sums of a tile of C: the packs of each column.
template <class S, isize Panels, isize Columns>
struct tile_sums {
    pack<S> of[static_cast<std::size_t>(Columns)][static_cast<std::size_t>(2 * Panels)];
};

/// Adds the products of the next `Count` columns of A and rows of B.
template <isize Count, class S, isize Panels, isize Columns, class Right>
DDPM_INLINE void add_products(tile_sums<S, Panels, Columns>& sums, left_operand<S>& left, Right& right) {
    constexpr isize packs = 2 * Panels;
    DDPM_UNROLL
    for (isize k = 0; k < Count; ++k) {
        pack<S> a[static_cast<std::size_t>(packs)];
        DDPM_UNROLL
        for (isize v = 0; v < packs; ++v) {
            a[v] = load(left.first + k * left.step + v / 2 * left.panel + v % 2 * lanes<S>);
        }
        DDPM_UNROLL
        for (isize j = 0; j < Columns; ++j) {
            const pack<S> number = splat(right.number(k, j));
            DDPM_UNROLL
            for (isize v = 0; v < packs; ++v) {
                sums.of[j][v] = multiply_add(a[v], number, sums.of[j][v]);
            }
        }
    }
    left.first += Count * left.step;
    right.pass(Count);
}

/// Stores the sums of a chain, or adds them, to c.
template <bool Add, class S, isize Panels, isize Columns>
DDPM_INLINE void put_sums(const tile_sums<S, Panels, Columns>& sums, const tile_result<S>& result) {
    DDPM_UNROLL
    for (isize j = 0; j < Columns; ++j) {
        DDPM_UNROLL
        for (isize v = 0; v < 2 * Panels; ++v) {
            S* const to = result.c + j * result.c_column + v * lanes<S>;
            store(to, Add ? load(to) + sums.of[j][v] : sums.of[j][v]);
        }
    }
}

/// c = start + a·b, or c += a·b, for one tile, in chains of product_chain products. `Right` is the form of b. Not
/// inlined, since it is long: whole tiles and tiles at an edge call the same function.
template <isize Panels, isize Columns, class Right, class S>
__attribute__((noinline)) void run_tile(isize depth, const left_operand<S>& a, const strided<S>& b,
                                        const tile_result<S>& result, const needed_soon<S>& needed) {
    constexpr isize width = lanes<S>;
    left_operand<S> left = a;
    Right right(b);
    needed_soon<S> soon = needed;
    tile_sums<S, Panels, Columns> sums{};
    if (result.start != nullptr) {
        DDPM_UNROLL
        for (isize j = 0; j < Columns; ++j) {
            DDPM_UNROLL
            for (isize v = 0; v < 2 * Panels; ++v) {
                sums.of[j][v] = load(result.start + j * result.start_column + v * width);
            }
        }
    }
    constexpr isize unrolled = product_problem<S>::unrolled;
    bool add = result.add;
    while (true) {
        isize k = depth < product_chain ? depth : product_chain;
        depth -= k;
        for (; k >= unrolled; k -= unrolled) {
            for (isize place = 0; place < 4; ++place) {
                if constexpr (Columns >= middle_columns) {
                    __builtin_prefetch(soon.first + place * soon.step, 0, 2);
                }
                if (Columns > 1 && left.ahead != 0) {
                    for (isize i = 0; i < unrolled / 4; ++i) {
                        fetch_elements<tile_rows<S>>(left.first + left.ahead + i * left.step);
                    }
                }
                DDPM_UNROLL
                for (isize i = 0; i < unrolled / 4; i += Right::group) {
                    add_products<Right::group>(sums, left, right);
                }
            }
            soon.first += soon.next;
        }
        for (; k > 0; --k) {
            add_products<1>(sums, left, right);
        }
        if (add) {
            put_sums<true>(sums, result);
        } else {
            put_sums<false>(sums, result);
        }
        if (depth == 0) {
            return;
        }
        add = true;
        sums = {};
    }
}
