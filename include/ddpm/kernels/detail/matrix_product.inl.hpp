// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
//
// A kernel body (see foreach_target.hpp): the dense product, by tiles.
//
// A tile of C, tile_rows × some columns, stays in registers while k runs: two packs of A's column k, times each of B's
// numbers in row k. What a tile reads of B is copied first, to lie row by row in the first cache; narrow tiles read it
// where it lies. A is read where it lies if its columns are contiguous and few tiles read them; else its rows are
// packed first into panels of tile_rows, k by k. Loops from the outside in: columns of B that fit the last cache, k
// that keeps a tile's part of B near, rows of A that fit the second cache, tile columns, tile rows.
// @source K. Goto, R. van de Geijn, Anatomy of high-performance matrix multiplication, ACM TOMS 34 (2008)

/// A block of C and its operands for some k.
template <class S>
struct product_block {
    isize rows, columns, depth;
    const S* a;             // panels of tile_rows
    isize a_step, a_panel;  // from k to k + 1, from a panel to the next
    bool in_place;          // whether they are A itself
    const S* edge;          // the last rows, packed, if they do not fill a panel
    strided<S> b;
    S* right;  // room for a copy of a tile's part of B
    S* c;
    isize c_row, c_column;
    const S* bias;
    isize bias_row, bias_column;
    bool accumulate;
};

/// What the tiles after those of columns j … j + columns − 1 need of B, shared out among the tiles of rows.
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

/// The tiles of columns j … j + Columns − 1, whose part of B is `right`, from row `i` on, for as long as `Panels` full
/// panels are left; returns the row after them.
template <class S, isize Panels, isize Columns, class Right>
isize run_panels(const product_block<S>& block, Right right, isize i, isize j) {
    constexpr isize height = Panels * tile_rows<S>;
    for (; i + height <= block.rows; i += height) {
        const S* const a = block.a + i / tile_rows<S> * block.a_panel;
        S* const c = block.c + i * block.c_row + j * block.c_column;
        const S* const start = block.accumulate || block.bias == nullptr ? nullptr : block.bias + i;
        const tile_result<S> result = {start, 0, c, block.c_column, block.accumulate};
        const left_columns<S, false> left = {a, block.a_step, block.a_panel};
        if (Columns > 1 && block.in_place && j == 0) {
            const left_columns<S, true> cold = {a, block.a_step, block.a_panel};
            run_tile<S, Panels, Columns>(block.depth, cold, right, result, nothing_soon{});
        } else if constexpr (Columns < middle_columns) {
            run_tile<S, Panels, Columns>(block.depth, left, right, result, nothing_soon{});
        } else if (block.in_place) {
            run_tile<S, Panels, Columns>(block.depth, left, right, result, needed_after(block, i, j, Columns));
        } else {
            run_tile<S, Panels, Columns>(block.depth, left_panel<S>{a}, right, result,
                                         needed_after(block, i, j, Columns));
        }
    }
    return i;
}

/// A tile that is not whole, or not stored by columns: computed aside, then copied.
template <class S, isize Columns, class Right>
void run_tile_aside(const product_block<S>& block, const S* a, isize a_step, Right right, isize i, isize j) {
    constexpr isize height = tile_rows<S>;
    const isize rows = block.rows - i < height ? block.rows - i : height;
    S* const c = block.c + i * block.c_row + j * block.c_column;
    S tile[static_cast<std::size_t>(height * Columns)] = {};
    if (block.accumulate || block.bias != nullptr) {
        const S* const start = block.accumulate ? c : block.bias + i * block.bias_row + j * block.bias_column;
        const isize start_row = block.accumulate ? block.c_row : block.bias_row;
        const isize start_column = block.accumulate ? block.c_column : block.bias_column;
        for (isize column = 0; column < Columns; ++column) {
            for (isize row = 0; row < rows; ++row) {
                tile[column * height + row] = start[row * start_row + column * start_column];
            }
        }
    }
    const tile_result<S> result = {block.accumulate ? nullptr : tile, height, tile, height, block.accumulate};
    run_tile<S, 1, Columns>(block.depth, left_columns<S, false>{a, a_step, 0}, right, result, nothing_soon{});
    for (isize column = 0; column < Columns; ++column) {
        for (isize row = 0; row < rows; ++row) {
            c[row * block.c_row + column * block.c_column] = tile[column * height + row];
        }
    }
}

/// All rows of columns j … j + Columns − 1, whose part of B is `right`.
template <class S, isize Panels, isize Columns, class Right>
void run_rows(const product_block<S>& block, Right right, isize j) {
    isize i = 0;
    if (block.c_row == 1 && (block.accumulate || block.bias == nullptr || block.bias_row == 1)) {
        if constexpr (Panels > 1) {
            i = run_panels<S, Panels, Columns>(block, right, i, j);
        }
        i = run_panels<S, 1, Columns>(block, right, i, j);
    }
    for (; i + tile_rows<S> <= block.rows; i += tile_rows<S>) {
        run_tile_aside<S, Columns>(block, block.a + i / tile_rows<S> * block.a_panel, block.a_step, right, i, j);
    }
    if (i < block.rows) {
        run_tile_aside<S, Columns>(block, block.edge, tile_rows<S>, right, i, j);
    }
}

/// Columns j … j + Columns − 1 with B's rows copied, unless its columns are contiguous and too little is done with
/// them.
template <class S, isize Panels, isize Columns>
void run_columns(const product_block<S>& block, isize j) {
    const strided<S> b = part(block.b, 0, j);
    if (b.row == 1 && (Columns < middle_columns || block.rows < 3 * tile_rows<S>)) {
        run_rows<S, Panels, Columns>(block, right_columns<S, Columns, true>(b), j);
    } else {
        copy_rows<S, Columns, right_copied<S>::row>(block.right, b, block.depth);
        run_rows<S, Panels, Columns>(block, right_copied<S>{block.right}, j);
    }
}

template <class S>
void run_block(const product_block<S>& block) {
    isize j = 0;
    for (; j + wide_columns <= block.columns; j += wide_columns) {
        const isize rest = block.columns - j - wide_columns;
        if (rest >= few_columns && rest < middle_columns) {
            break;  // two middle tiles leave less to narrow ones
        }
        run_columns<S, 1, wide_columns>(block, j);
    }
    for (; j + middle_columns <= block.columns; j += middle_columns) {
        run_columns<S, 1, middle_columns>(block, j);
    }
    for (; j + few_columns <= block.columns; j += few_columns) {
        run_columns<S, few_panels, few_columns>(block, j);
    }
    for (; j < block.columns; ++j) {
        run_rows<S, one_column_panels, 1>(block, right_columns<S, 1, false>(part(block.b, 0, j)), j);
    }
}

/// Lets the block read the rows of `a`, packed into `buffer` where that pays and where they do not fill a panel.
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

/// The length of parts that cover `size`, as few as `most` allows and as equal as multiples of `step` can be.
DDPM_INLINE isize even_part(isize size, isize most, isize step) {
    if (size <= most) {
        return most;  // without a division
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
    // Columns of A further apart than this lie on too many pages, and fall on too few lines of a cache, to be read as
    // they are.
    constexpr isize far_apart = 2048 / static_cast<isize>(sizeof(S));
    const bool packed = problem.a.row != 1 || problem.columns >= 16 * wide_columns ||
                        (problem.a.column > far_apart && problem.columns >= 4 * wide_columns);
    // For few columns, what is packed is soon read for the last time: it stays in the first cache.
    const bool in_first_cache = packed && problem.columns < 4 * wide_columns;
    const isize most_rows =
        even_part(problem.rows, in_first_cache ? one_column_panels * height : P::most_rows, P::tile_rows);
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
        do {  // once at least: without depth, the result is the start
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
