// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): the dense product, by tiles.
//
// A tile of C, tile_rows × tile_columns, stays in registers while k runs: two packs of A's column k, times each of B's
// numbers in row k. Large operands are packed first: rows of A into panels of tile_rows (k by k, zeros below the last row),
// columns of B into panels of tile_columns, so that a tile reads both in order. Loops from the outside in: columns of B that
// fit the last cache, k that keeps a panel of B in the first, rows of A that fit the second, panels of B, panels of A.
// @source K. Goto, R. van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34 (2008)

template <class S>
inline constexpr index tile_rows = 2 * lanes<S>;

// As many columns as the registers hold, for most of the work. What is left at the right is done by narrower tiles, over
// several panels at once where one has too few sums to hide the latency of an addition.
#if defined(DDPM_TARGET_AVX512) || defined(DDPM_TARGET_NEON)
inline constexpr index tile_columns = 12, few_columns = 4, few_panels = 1;
#elif defined(DDPM_TARGET_AVX2)
inline constexpr index tile_columns = 6, few_columns = 2, few_panels = 2;
#else
inline constexpr index tile_columns = 4, few_columns = 2, few_panels = 2;
#endif
inline constexpr index one_column_panels = 4;

/// A block of C and its operands for some k.
template <class S>
struct product_block {
    index rows, columns, depth;
    const S* a;            // panels of tile_rows
    index a_step, a_panel;  // from k to k + 1, from a panel to the next
    const S* edge;         // the last rows, packed, if they do not fill a panel
    const S* b;            // panels of tile_columns, then the columns that are left
    index b_step, b_column, b_panel;
    strided<S> rest;
    S* c;
    index c_row, c_column;
    const S* bias;
    index bias_row, bias_column;
    bool accumulate;
};

/// c += a·b for one tile; c begins at `start`, or 0 if that is null, `start_column` from column to column.
template <class S, index Panels, index Columns>
DDPM_INLINE void run_tile(index depth, const S* a, index a_step, index a_panel, const S* b, index b_step, index b_column,
                          const S* start, index start_column, S* c, index c_column) {
    constexpr index width = lanes<S>;
    constexpr index packs = 2 * Panels;
    pack<S> sum[Columns][packs];
    if (start == nullptr) {
        DDPM_UNROLL
        for (index j = 0; j < Columns; ++j) {
            DDPM_UNROLL
            for (index v = 0; v < packs; ++v) {
                sum[j][v] = pack<S>{};
            }
        }
    } else {
        DDPM_UNROLL
        for (index j = 0; j < Columns; ++j) {
            DDPM_UNROLL
            for (index v = 0; v < packs; ++v) {
                sum[j][v] = load(start + j * start_column + v * width);
            }
        }
    }
    for (index k = 0; k < depth; ++k) {
        pack<S> left[packs];
        DDPM_UNROLL
        for (index v = 0; v < packs; ++v) {
            left[v] = load(a + v / 2 * a_panel + v % 2 * width);
        }
        DDPM_UNROLL
        for (index j = 0; j < Columns; ++j) {
            const pack<S> right = splat(b[j * b_column]);
            DDPM_UNROLL
            for (index v = 0; v < packs; ++v) {
                sum[j][v] = multiply_add(left[v], right, sum[j][v]);
            }
        }
        a += a_step;
        b += b_step;
    }
    DDPM_UNROLL
    for (index j = 0; j < Columns; ++j) {
        DDPM_UNROLL
        for (index v = 0; v < packs; ++v) {
            store(c + j * c_column + v * width, sum[j][v]);
        }
    }
}

/// The tiles of some columns, from row `i` on for as long as `Panels` full panels are left; returns the row after them.
template <class S, index Panels, index Columns>
index run_panels(const product_block<S>& block, const S* b, index b_step, index b_column, index i, index j) {
    constexpr index height = Panels * tile_rows<S>;
    for (; i + height <= block.rows; i += height) {
        S* const c = block.c + i * block.c_row + j * block.c_column;
        const S* const a = block.a + i / tile_rows<S> * block.a_panel;
        const S* start = nullptr;
        index start_column = 0;
        if (block.accumulate) {
            start = c;
            start_column = block.c_column;
        } else if (block.bias != nullptr) {
            start = block.bias + i;
        }
        run_tile<S, Panels, Columns>(block.depth, a, block.a_step, block.a_panel, b, b_step, b_column, start, start_column,
                                     c, block.c_column);
    }
    return i;
}

/// A tile that is not whole, or not stored by columns: computed aside, then copied.
template <class S, index Columns>
void run_tile_aside(const product_block<S>& block, const S* a, index a_step, const S* b, index b_step, index b_column,
                    index i, index j) {
    constexpr index height = tile_rows<S>;
    const index rows = block.rows - i < height ? block.rows - i : height;
    S* const c = block.c + i * block.c_row + j * block.c_column;
    S tile[height * Columns] = {};
    if (block.accumulate || block.bias != nullptr) {
        const S* const start = block.accumulate ? c : block.bias + i * block.bias_row + j * block.bias_column;
        const index start_row = block.accumulate ? block.c_row : block.bias_row;
        const index start_column = block.accumulate ? block.c_column : block.bias_column;
        for (index column = 0; column < Columns; ++column) {
            for (index row = 0; row < rows; ++row) {
                tile[column * height + row] = start[row * start_row + column * start_column];
            }
        }
    }
    run_tile<S, 1, Columns>(block.depth, a, a_step, 0, b, b_step, b_column, tile, height, tile, height);
    for (index column = 0; column < Columns; ++column) {
        for (index row = 0; row < rows; ++row) {
            c[row * block.c_row + column * block.c_column] = tile[column * height + row];
        }
    }
}

/// All rows of some columns.
template <class S, index Panels, index Columns>
void run_columns(const product_block<S>& block, const S* b, index b_step, index b_column, index j) {
    index i = 0;
    if (block.c_row == 1 && (block.accumulate || block.bias == nullptr || block.bias_row == 1)) {
        if constexpr (Panels > 1) {
            i = run_panels<S, Panels, Columns>(block, b, b_step, b_column, i, j);
        }
        i = run_panels<S, 1, Columns>(block, b, b_step, b_column, i, j);
    }
    for (; i + tile_rows<S> <= block.rows; i += tile_rows<S>) {
        run_tile_aside<S, Columns>(block, block.a + i / tile_rows<S> * block.a_panel, block.a_step, b, b_step, b_column, i, j);
    }
    if (i < block.rows) {
        run_tile_aside<S, Columns>(block, block.edge, tile_rows<S>, b, b_step, b_column, i, j);
    }
}

template <class S>
void run_block(const product_block<S>& block) {
    index j = 0;
    for (; j + tile_columns <= block.columns; j += tile_columns) {
        run_columns<S, 1, tile_columns>(block, block.b + j / tile_columns * block.b_panel, block.b_step, block.b_column, j);
    }
    const S* b = block.rest.data;
    for (; j + few_columns <= block.columns; j += few_columns) {
        run_columns<S, few_panels, few_columns>(block, b, block.rest.row, block.rest.column, j);
        b += few_columns * block.rest.column;
    }
    for (; j < block.columns; ++j) {
        run_columns<S, one_column_panels, 1>(block, b, block.rest.row, block.rest.column, j);
        b += block.rest.column;
    }
}

/// {a0, b0, a1, b1, …} of the lower halves.
template <class V>
DDPM_INLINE V zip_low(V a, V b) {
    constexpr index count = sizeof(V) / sizeof(a[0]);
    if constexpr (count == 2) {
        return __builtin_shufflevector(a, b, 0, 2);
    } else if constexpr (count == 4) {
        return __builtin_shufflevector(a, b, 0, 4, 1, 5);
    } else if constexpr (count == 8) {
        return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
    } else {
        return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    }
}

/// The same of the upper halves.
template <class V>
DDPM_INLINE V zip_high(V a, V b) {
    constexpr index count = sizeof(V) / sizeof(a[0]);
    if constexpr (count == 2) {
        return __builtin_shufflevector(a, b, 1, 3);
    } else if constexpr (count == 4) {
        return __builtin_shufflevector(a, b, 2, 6, 3, 7);
    } else if constexpr (count == 8) {
        return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
    } else {
        return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    }
}

/// Exchanges the rows and columns of a square of packs: each round zips the first half of the rows with the second.
template <class S>
DDPM_INLINE void transpose(pack<S> (&square)[lanes<S>]) {
    constexpr index count = lanes<S>;
    DDPM_UNROLL
    for (index round = 1; round < count; round *= 2) {
        pack<S> zipped[count];
        DDPM_UNROLL
        for (index i = 0; i < count / 2; ++i) {
            zipped[2 * i] = zip_low(square[i], square[i + count / 2]);
            zipped[2 * i + 1] = zip_high(square[i], square[i + count / 2]);
        }
        DDPM_UNROLL
        for (index i = 0; i < count; ++i) {
            square[i] = zipped[i];
        }
    }
}

/// Packs the rows of A that fill panels, where its columns are contiguous: column by column, each from end to end.
template <class S>
void pack_left_columns(S* out, strided<S> a, index rows, index depth) {
    constexpr index width = lanes<S>;
    for (index k = 0; k < depth; ++k) {
        const S* const column = a.data + k * a.column;
        for (index row = 0; row < rows; row += tile_rows<S>) {
            S* const to = out + row * depth + k * tile_rows<S>;
            store(to, load(column + row));
            store(to + width, load(column + row + width));
        }
    }
}

/// Packs rows of A into one panel: depth × tile_rows, zeros in place of missing rows.
template <class S>
void pack_left_panel(S* out, strided<S> a, index rows, index depth) {
    constexpr index width = lanes<S>;
    constexpr index height = tile_rows<S>;
    index k = 0;
    if (a.column == 1) {
        for (; k + width <= depth; k += width) {
            for (index half = 0; half < 2; ++half) {
                pack<S> square[width];
                DDPM_UNROLL
                for (index i = 0; i < width; ++i) {
                    const index row = half * width + i;
                    square[i] = row < rows ? load(a.data + row * a.row + k) : pack<S>{};
                }
                transpose<S>(square);
                DDPM_UNROLL
                for (index i = 0; i < width; ++i) {
                    store(out + (k + i) * height + half * width, square[i]);
                }
            }
        }
    }
    for (; k < depth; ++k) {
        for (index row = 0; row < height; ++row) {
            out[k * height + row] = row < rows ? a.data[row * a.row + k * a.column] : S{};
        }
    }
}

/// Packs tile_columns columns of B into one panel: depth × tile_columns. May write a register beyond its end.
template <class S>
void pack_right_panel(S* out, strided<S> b, index depth) {
    constexpr index width = lanes<S>;
    constexpr index groups = (tile_columns + width - 1) / width;
    index k = 0;
    if (b.column == 1) {
        for (; k < depth; ++k) {
            __builtin_memcpy(out + k * tile_columns, b.data + k * b.row, sizeof(S) * tile_columns);
        }
    } else if (b.row == 1) {
        for (; k + width <= depth; k += width) {
            pack<S> square[groups][width];
            DDPM_UNROLL
            for (index group = 0; group < groups; ++group) {
                DDPM_UNROLL
                for (index i = 0; i < width; ++i) {
                    const index column = group * width + i;
                    square[group][i] = column < tile_columns ? load(b.data + column * b.column + k) : pack<S>{};
                }
                transpose<S>(square[group]);
            }
            // In this order: the next store overwrites what lies beyond the panel's columns.
            DDPM_UNROLL
            for (index i = 0; i < width; ++i) {
                DDPM_UNROLL
                for (index group = 0; group < groups; ++group) {
                    store(out + (k + i) * tile_columns + group * width, square[group][i]);
                }
            }
        }
    }
    for (; k < depth; ++k) {
        for (index column = 0; column < tile_columns; ++column) {
            out[k * tile_columns + column] = b.data[k * b.row + column * b.column];
        }
    }
}

template <class S>
void product(const product_problem<S>& problem) {
    using P = product_problem<S>;
    constexpr index height = tile_rows<S>;
    S* const left = problem.buffer;
    S* const right = problem.buffer + problem.left_length();
    // Packing pays when it is read often, or when the strides spread it over the cache.
    const bool pack_left = problem.a.row != 1 || (problem.columns >= 4 * tile_columns && problem.a.column > 512);
    const bool pack_right = problem.rows >= 4 * height;
    product_block<S> block{};
    block.c_row = problem.c_row;
    block.c_column = problem.c_column;
    block.bias_row = problem.bias_row;
    block.bias_column = problem.bias_column;
    for (index j = 0; j < problem.columns; j += P::most_columns) {
        block.columns = problem.columns - j < P::most_columns ? problem.columns - j : P::most_columns;
        const index whole_columns = block.columns / tile_columns * tile_columns;
        index k = 0;
        do {
            block.depth = problem.depth - k < P::most_depth ? problem.depth - k : P::most_depth;
            block.accumulate = problem.accumulate || k > 0;
            strided<S> b = problem.b;
            b.data += k * b.row + j * b.column;
            block.rest = b;
            block.rest.data += whole_columns * b.column;
            if (pack_right) {
                for (index column = 0; column < whole_columns; column += tile_columns) {
                    strided<S> panel = b;
                    panel.data += column * b.column;
                    pack_right_panel(right + column * block.depth, panel, block.depth);
                }
                block.b = right;
                block.b_step = tile_columns;
                block.b_column = 1;
                block.b_panel = tile_columns * block.depth;
            } else {
                block.b = b.data;
                block.b_step = b.row;
                block.b_column = b.column;
                block.b_panel = tile_columns * b.column;
            }
            for (index i = 0; i < problem.rows; i += P::most_rows) {
                block.rows = problem.rows - i < P::most_rows ? problem.rows - i : P::most_rows;
                block.c = problem.c + i * problem.c_row + j * problem.c_column;
                block.bias = problem.bias == nullptr ? nullptr : problem.bias + i * problem.bias_row + j * problem.bias_column;
                strided<S> a = problem.a;
                a.data += i * a.row + k * a.column;
                const index whole_rows = block.rows / height * height;
                index packed = 0;
                if (pack_left) {
                    if (a.row == 1) {
                        pack_left_columns(left, a, whole_rows, block.depth);
                        packed = whole_rows;
                    }
                    for (; packed < whole_rows; packed += height) {
                        strided<S> panel = a;
                        panel.data += packed * a.row;
                        pack_left_panel(left + packed * block.depth, panel, height, block.depth);
                    }
                    block.a = left;
                    block.a_step = height;
                    block.a_panel = height * block.depth;
                } else {
                    block.a = a.data;
                    block.a_step = a.column;
                    block.a_panel = height;
                }
                if (whole_rows < block.rows) {
                    strided<S> panel = a;
                    panel.data += whole_rows * a.row;
                    pack_left_panel(left + packed * block.depth, panel, block.rows - whole_rows, block.depth);
                    block.edge = left + packed * block.depth;
                }
                run_block(block);
            }
            k += P::most_depth;
        } while (k < problem.depth);
    }
}
