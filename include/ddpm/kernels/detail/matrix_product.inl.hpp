// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): the dense product, by tiles.
//
// A tile of C, tile_rows × a few columns, stays in vector registers during the loop over k, which multiplies two packs
// of column k of A by each element of row k of B. The part of B that a tile reads is first copied row by row, so that
// it stays in the L1 cache; narrow tiles read it in place. A is read in place if its columns are contiguous and few
// tiles read them; otherwise its rows are first packed into panels of tile_rows rows. Loops from the outermost to the
// innermost: columns of B that fit in the last-level cache, ranges of k, rows of A that fit in the L2 cache, tile
// columns, tile rows.
// @source K. Goto, R. van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34 (2008)

/// A block of C and its operands for a range of k.
template <class S>
struct product_block {
    isize rows, columns, depth;
    const S* a;             // panels of tile_rows
    isize a_step, a_panel;  // distance from column k to k + 1, and to the next panel
    bool in_place;          // whether a points into A itself, not packed
    const S* edge;          // the remainder rows, which do not fill a panel: packed
    strided<S> b;
    S* right;  // buffer for the copied part of B of a tile
    S* c;
    isize c_row, c_column;
    const S* bias;
    isize bias_row, bias_column;
    bool accumulate;
};

/// The part of B that the tiles after columns j … j + columns − 1 read; each row tile prefetches a share of it.
template <class S>
DDPM_INLINE needed_soon<S> needed_after(const product_block<S>& block, isize i, isize j, isize columns) {
    const isize place = 4 * (i / tile_rows<S>);
    const isize first = j + columns;
    const needed_soon<S> nothing = {block.b.data, 0, 0};
    if (block.b.row == 1) {
        if (place >= columns || first + place + 4 > block.columns) {
            return nothing;
        }
        return {part(block.b, 0, first + place).data, block.b.column, 16};
    }
    if (place >= 16 || first >= block.columns || block.depth < 16) {
        return nothing;
    }
    return {part(block.b, place, first).data, block.b.row, 16 * block.b.row};
}

template <class S>
using tile_function = void(isize depth, const left_operand<S>& a, const strided<S>& b, const tile_result<S>& result,
                           const needed_soon<S>& soon);

/// The functions for a tile of `columns` columns: `one` for one panel, `several` for `panels` panels.
template <class S>
struct tile_kind {
    isize columns, panels;
    tile_function<S>*one, *several;
};

/// Narrow tiles cover several panels at once.
template <isize Columns, class Right, class S>
DDPM_INLINE tile_kind<S> tile_of() {
    constexpr isize panels = Columns == 1 ? one_column_panels : Columns < middle_columns ? few_panels : 1;
    return {Columns, panels, run_tile<1, Columns, Right, S>, run_tile<panels, Columns, Right, S>};
}

/// A tile with missing rows, or whose columns are not contiguous in C: computed in a local array, then copied.
template <class S>
void run_tile_aside(const product_block<S>& block, const tile_kind<S>& tile, const S* a, isize a_step, strided<S> right,
                    isize i, isize j) {
    constexpr isize height = tile_rows<S>;
    const isize rows = block.rows - i < height ? block.rows - i : height;
    S* const c = block.c + i * block.c_row + j * block.c_column;
    S aside[static_cast<std::size_t>(height * wide_columns)] = {};
    if (block.accumulate || block.bias != nullptr) {
        const S* const start = block.accumulate ? c : block.bias + i * block.bias_row + j * block.bias_column;
        const isize start_row = block.accumulate ? block.c_row : block.bias_row;
        const isize start_column = block.accumulate ? block.c_column : block.bias_column;
        for (isize column = 0; column < tile.columns; ++column) {
            for (isize row = 0; row < rows; ++row) {
                aside[column * height + row] = start[row * start_row + column * start_column];
            }
        }
    }
    tile.one(block.depth, {a, a_step, 0, 0}, right,
             {block.accumulate ? nullptr : aside, height, aside, height, block.accumulate}, {right.data, 0, 0});
    for (isize column = 0; column < tile.columns; ++column) {
        for (isize row = 0; row < rows; ++row) {
            c[row * block.c_row + column * block.c_column] = aside[column * height + row];
        }
    }
}

/// All row tiles of the columns from j on; `right` is their part of B.
template <class S>
void run_rows(const product_block<S>& block, const tile_kind<S>& tile, strided<S> right, isize j) {
    isize i = 0;
    if (block.c_row == 1 && (block.accumulate || block.bias == nullptr || block.bias_row == 1)) {
        // A is read for the first time: prefetch it some hundred cycles ahead, which hardware prefetchers do not.
        const isize ahead = block.in_place && j == 0 ? 48 * block.a_step : 0;
        while (i + tile_rows<S> <= block.rows) {
            const bool several = i + tile.panels * tile_rows<S> <= block.rows;
            const S* const start = block.accumulate || block.bias == nullptr ? nullptr : block.bias + i;
            (several ? tile.several : tile.one)(
                block.depth, {block.a + i / tile_rows<S> * block.a_panel, block.a_step, block.a_panel, ahead}, right,
                {start, 0, block.c + i + j * block.c_column, block.c_column, block.accumulate},
                needed_after(block, i, j, tile.columns));
            i += (several ? tile.panels : 1) * tile_rows<S>;
        }
    }
    for (; i + tile_rows<S> <= block.rows; i += tile_rows<S>) {
        run_tile_aside(block, tile, block.a + i / tile_rows<S> * block.a_panel, block.a_step, right, i, j);
    }
    if (i < block.rows) {
        run_tile_aside(block, tile, block.edge, tile_rows<S>, right, i, j);
    }
}

/// Columns j … j + Columns − 1. Wide and middle tiles copy their part of B, unless its columns are contiguous and there
/// are too few rows for a copy to pay; narrow tiles read it in place. The baseline always copies, except single
/// columns.
template <class S, isize Columns>
DDPM_INLINE void run_columns(const product_block<S>& block, isize j) {
    const strided<S> b = part(block.b, 0, j);
    if constexpr (Columns < middle_columns) {
        run_rows(block, tile_of<Columns, right_columns<S, Columns, false>, S>(), b, j);
    } else {
        if constexpr (Columns == wide_columns && few_columns < middle_columns) {
            if (b.row == 1 && block.rows < 3 * tile_rows<S>) {
                run_rows(block, tile_of<Columns, right_columns<S, Columns, true>, S>(), b, j);
                return;
            }
        }
        copy_rows<S, Columns, right_copied<S>::row>(block.right, b, block.depth);
        run_rows(block, tile_of<Columns, right_copied<S>, S>(), {block.right, 0, 0}, j);
    }
}

template <class S>
void run_block(const product_block<S>& block) {
    isize j = 0;
    for (; j + wide_columns <= block.columns; j += wide_columns) {
        const isize rest = block.columns - j - wide_columns;
        if (middle_columns < wide_columns && rest >= few_columns && rest < middle_columns) {
            break;  // two middle tiles leave fewer columns to narrow tiles
        }
        run_columns<S, wide_columns>(block, j);
    }
    if constexpr (middle_columns < wide_columns) {
        for (; j + middle_columns <= block.columns; j += middle_columns) {
            run_columns<S, middle_columns>(block, j);
        }
    }
    if constexpr (few_columns < middle_columns) {
        for (; j + few_columns <= block.columns; j += few_columns) {
            run_columns<S, few_columns>(block, j);
        }
    }
    for (; j < block.columns; ++j) {
        run_columns<S, 1>(block, j);
    }
}

/// Sets the rows of A that the block reads: in place or, if `packed`, packed into `buffer`. Remainder rows are always
/// packed.
template <class S>
void place_left(product_block<S>& block, strided<S> a, bool packed, S* buffer) {
    constexpr isize height = tile_rows<S>;
    const isize whole = block.rows / height * height;
    isize row = 0;
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

/// The length of the fewest parts that cover `size`, each of at most `most`, as equal as possible and multiples of
/// `step`.
DDPM_INLINE isize even_part(isize size, isize most, isize step) {
    if (size <= most) {
        return most;  // avoids the division
    }
    const isize parts = (size - 1) / most + 1;
    const isize length = (size - 1) / parts + 1;
    return ((length - 1) / step + 1) * step;
}

template <class S>
void product(const product_problem<S>& problem) {
    if (problem.depth == 0 && problem.accumulate) {
        return;
    }
    using P = product_problem<S>;
    constexpr isize height = tile_rows<S>;
    // If columns of A are further apart than this, reading A in place touches too many pages and maps to too few sets
    // of the cache.
    constexpr isize far_apart = 2048 / static_cast<isize>(sizeof(S));
    const bool packed = problem.a.row != 1 || problem.columns >= 16 * wide_columns ||
                        (problem.a.column > far_apart && problem.columns >= 4 * wide_columns);
    // For few columns, packed rows are read only a few times: pack no more than fits in the L1 cache.
    const bool in_first_cache = packed && problem.columns < 4 * wide_columns;
    const isize most_rows =
        even_part(problem.rows, in_first_cache ? one_column_panels * height : P::most_rows, product_rows);
    const isize most_depth =
        even_part(problem.depth, in_first_cache ? product_chain : problem.most_depth(), product_chain);
    product_block<S> block{};
    block.c_row = problem.c_row;
    block.c_column = problem.c_column;
    block.bias_row = problem.bias_row;
    block.bias_column = problem.bias_column;
    block.right = problem.buffer + problem.left_length();
    for (isize j = 0; j < problem.columns; j += P::most_columns) {
        block.columns = problem.columns - j < P::most_columns ? problem.columns - j : P::most_columns;
        isize k = 0;
        do {  // at least once: with depth 0 the result is the start value
            block.depth = problem.depth - k < most_depth ? problem.depth - k : most_depth;
            block.accumulate = problem.accumulate || k > 0;
            block.b = part(problem.b, k, j);
            for (isize i = 0; i < problem.rows; i += most_rows) {
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
