// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): the dense product, by tiles.
//
// A tile of C, tile_rows × tile_columns, stays in registers while k runs: two packs of A's column k, times each of B's
// numbers in row k. B is read where it lies, one number at a time, whatever its strides, unless its rows are contiguous and
// far apart: then a tile's part of it is copied first. A is read where it lies if its columns are contiguous and close
// together; else its rows are packed first into panels of tile_rows, k by k.
// Loops from the outside in: columns of B that fit the last cache, k that keeps a tile's part of B near, rows of A that
// fit the second cache, tile columns, tile rows.
// @source K. Goto, R. van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34 (2008)

/// A block of C and its operands for some k.
template <class S>
struct product_block {
    index rows, columns, depth;
    const S* a;             // panels of tile_rows
    index a_step, a_panel;  // from k to k + 1, from a panel to the next
    bool in_place;          // whether they are A itself
    const S* edge;          // the last rows, packed, if they do not fill a panel
    strided<S> b;
    S* right;  // room for a copy of a tile's part of B; null: it is read where it lies
    S* c;
    index c_row, c_column;
    const S* bias;
    index bias_row, bias_column;
    bool accumulate;
    bool far;  // whether C lies beyond the second cache, and so what comes soon is worth fetching
};

/// What the tiles after that of row i and column j need; as long as the block lasts, else what it needs itself.
template <class S>
DDPM_INLINE soon_needed<S> needed_after(const product_block<S>& block, strided<S> b, index i, index j, index height,
                                        index columns) {
    const bool is_last = j + 2 * columns > block.columns;
    const index ahead = 2 * (i / height);  // all tiles of these columns together fetch the next ones
    const index next_i = i + 2 * height <= block.rows ? i + height : is_last ? i : 0;
    const index next_j = i + 2 * height <= block.rows || is_last ? j : j + columns;
    const bool none = is_last || ahead >= columns || block.right != nullptr;
    return {none ? b : part(block.b, 0, j + columns + ahead),
            block.c + next_i * block.c_row + next_j * block.c_column};
}

/// The tiles of columns j … j + Columns − 1, whose part of B is b, from row `i` on, for as long as `Panels` full panels are
/// left; returns the row after them.
template <class S, index Panels, index Columns>
index run_panels(const product_block<S>& block, strided<S> b, index i, index j) {
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
        const bool cold = j == 0 && block.in_place;
        if (Columns == tile_columns && block.far) {
            run_tile<S, Panels, Columns, Columns == tile_columns>(block.depth, a, block.a_step, block.a_panel, cold, b,
                                                                  start, start_column, c, block.c_column,
                                                                  needed_after(block, b, i, j, height, Columns));
        } else {
            run_tile<S, Panels, Columns, false>(block.depth, a, block.a_step, block.a_panel, cold, b, start,
                                                start_column, c, block.c_column, {});
        }
    }
    return i;
}

/// A tile that is not whole, or not stored by columns: computed aside, then copied.
template <class S, index Columns>
void run_tile_aside(const product_block<S>& block, const S* a, index a_step, strided<S> b, index i, index j) {
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
    run_tile<S, 1, Columns, false>(block.depth, a, a_step, 0, false, b, tile, height, tile, height, {});
    for (index column = 0; column < Columns; ++column) {
        for (index row = 0; row < rows; ++row) {
            c[row * block.c_row + column * block.c_column] = tile[column * height + row];
        }
    }
}

/// All rows of columns j … j + Columns − 1, whose part of B is b.
template <class S, index Panels, index Columns>
void run_columns(const product_block<S>& block, strided<S> b, index j) {
    index i = 0;
    if (block.c_row == 1 && (block.accumulate || block.bias == nullptr || block.bias_row == 1)) {
        if constexpr (Panels > 1) {
            i = run_panels<S, Panels, Columns>(block, b, i, j);
        }
        i = run_panels<S, 1, Columns>(block, b, i, j);
    }
    for (; i + tile_rows<S> <= block.rows; i += tile_rows<S>) {
        run_tile_aside<S, Columns>(block, block.a + i / tile_rows<S> * block.a_panel, block.a_step, b, i, j);
    }
    if (i < block.rows) {
        run_tile_aside<S, Columns>(block, block.edge, tile_rows<S>, b, i, j);
    }
}

/// The part of B of columns j … j + tile_columns − 1, copied side by side if there is room for that.
template <class S>
strided<S> place_right(const product_block<S>& block, index j) {
    const strided<S> b = part(block.b, 0, j);
    if (block.right == nullptr) {
        return b;
    }
    for (index k = 0; k < block.depth; ++k) {
        __builtin_memcpy(block.right + k * tile_columns, b.data + k * b.row, sizeof(S) * tile_columns);
    }
    return {block.right, tile_columns, 1};
}

template <class S>
void run_block(const product_block<S>& block) {
    index j = 0;
    for (; j + tile_columns <= block.columns; j += tile_columns) {
        run_columns<S, 1, tile_columns>(block, place_right(block, j), j);
    }
    for (; j + few_columns <= block.columns; j += few_columns) {
        run_columns<S, few_panels, few_columns>(block, part(block.b, 0, j), j);
    }
    for (; j < block.columns; ++j) {
        run_columns<S, one_column_panels, 1>(block, part(block.b, 0, j), j);
    }
}

/// Lets the block read the rows of `a`, packed into `buffer` where that pays and where they do not fill a panel.
template <class S>
void place_left(product_block<S>& block, strided<S> a, bool packed, S* buffer) {
    constexpr index height = tile_rows<S>;
    const index whole = block.rows / height * height;
    index row = 0;
    block.in_place = !packed;
    if (!packed) {
        block.a = a.data;
        block.a_step = a.column;
        block.a_panel = height;
        row = whole;
    } else {
        block.a = buffer;
        block.a_step = height;
        block.a_panel = height * block.depth;
        if (a.row == 1) {
            pack_columns(buffer, a, whole, block.depth);
            row = whole;
        }
        for (; row < whole; row += height) {
            pack_panel(buffer + row * block.depth, part(a, row, 0), height, block.depth);
        }
        buffer += whole * block.depth;
    }
    if (row < block.rows) {
        pack_panel(buffer, part(a, row, 0), block.rows - row, block.depth);
        block.edge = buffer;
    }
}

template <class S>
void product(const product_problem<S>& problem) {
    using P = product_problem<S>;
    constexpr index height = tile_rows<S>;
    // Columns of A further apart than this lie on too many pages, and fall on too few lines of a cache, to be read as
    // they are.
    constexpr index far_apart = 2048 / static_cast<index>(sizeof(S));
    const bool packed = problem.a.row != 1 || (problem.a.column > far_apart && problem.columns >= 4 * tile_columns);
    // For few columns, what is packed is soon read for the last time: it stays in the first cache.
    const bool in_first_cache = packed && problem.columns < 4 * tile_columns;
    const index most_rows = in_first_cache ? one_column_panels * height : P::most_rows;
    const index most_depth = in_first_cache ? 256 / static_cast<index>(sizeof(S)) : P::most_depth;
    product_block<S> block{};
    block.c_row = problem.c_row;
    block.c_column = problem.c_column;
    block.bias_row = problem.bias_row;
    block.bias_column = problem.bias_column;
    // So do rows of B, where many tiles read them.
    const bool copied = problem.b.column == 1 && problem.b.row >= far_apart && problem.rows >= 4 * height;
    block.right = copied ? problem.buffer + problem.left_length() : nullptr;
    block.far = problem.rows * problem.columns * static_cast<index>(sizeof(S)) > P::second_cache;
    for (index j = 0; j < problem.columns; j += P::most_columns) {
        block.columns = problem.columns - j < P::most_columns ? problem.columns - j : P::most_columns;
        index k = 0;
        do {  // once at least: without depth, the result is the start
            block.depth = problem.depth - k < most_depth ? problem.depth - k : most_depth;
            block.accumulate = problem.accumulate || k > 0;
            block.b = part(problem.b, k, j);
            for (index i = 0; i < problem.rows; i += most_rows) {
                block.rows = problem.rows - i < most_rows ? problem.rows - i : most_rows;
                block.c = problem.c + i * problem.c_row + j * problem.c_column;
                if (problem.bias != nullptr) {
                    block.bias = problem.bias + i * problem.bias_row + j * problem.bias_column;
                }
                place_left(block, part(problem.a, i, k), packed, problem.buffer);
                run_block(block);
            }
            k += most_depth;
        } while (k < problem.depth);
    }
}
