// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <utility>

namespace ddpm::kernels::detail {

/// The number of products that matrix_product adds in one chain before it adds the chain to the result: few enough to
/// keep rounding errors small, many enough to cost no time. It divides the depth of 3 × 3 convolutions with a multiple
/// of 64 channels.
inline constexpr isize product_chain = 192;

/// For splitting a product into tasks: numbers of rows and columns that are multiples of the tile size on every
/// instruction set, and the number of multiplications that takes as long as waking a thread.
inline constexpr isize product_rows = 32;
inline constexpr isize product_columns = 12;
inline constexpr isize product_task = isize{1} << 19;

/// A matrix: pointer to element (0, 0), and the distances to the next row and to the next column.
template <class S>
struct strided {
    const S* data = nullptr;
    isize row = 0;
    isize column = 0;
};

/// One product, or a block of its result, as kernels/detail/matrix_product.inl.hpp computes it.
template <class S>
struct product_problem {
    strided<S> a, b;
    S* c = nullptr;
    isize c_row = 0, c_column = 0;
    isize rows = 0, columns = 0, depth = 0;
    const S* bias = nullptr;  ///< if not null, sums start at bias[i·bias_row + j·bias_column]
    isize bias_row = 0, bias_column = 0;
    bool accumulate = false;
    S* buffer = nullptr;  ///< scratch memory of buffer_length() elements

    // The largest block of one pass: rows × depth of A fill most of an L2 cache of 1 MiB, or half of it if the depth
    // needs several passes anyway; depth × columns of B fill a part of the last-level cache. With fewer rows the depth
    // may be larger, which saves passes over C. The depth is split between chains.
    static constexpr isize most_rows = 1536 / static_cast<isize>(sizeof(S));
    [[nodiscard]] isize most_depth() const {
        return (rows <= most_rows / 2 ? 6 : depth <= 3 * product_chain ? 3 : 2) * product_chain;
    }
    static constexpr isize most_columns = 2400;

    static constexpr isize row_numbers = 16;  ///< elements per row of the copied part of B that a tile reads
    static constexpr isize unrolled = 16;     ///< steps of k in the unrolled loop of a tile

    [[nodiscard]] product_problem transposed() const {
        product_problem t = *this;
        t.a = {b.data, b.column, b.row};
        t.b = {a.data, a.column, a.row};
        std::swap(t.c_row, t.c_column);
        std::swap(t.rows, t.columns);
        std::swap(t.bias_row, t.bias_column);
        return t;
    }

    /// The block of rows i … i + height − 1 and columns j … j + width − 1.
    [[nodiscard]] product_problem block(isize i, isize j, isize height, isize width) const {
        product_problem part = *this;
        part.a.data += i * a.row;
        part.b.data += j * b.column;
        part.c += i * c_row + j * c_column;
        part.bias = bias == nullptr ? nullptr : bias + i * bias_row + j * bias_column;
        part.rows = height;
        part.columns = width;
        return part;
    }

    /// Elements of the buffer: the packed rows of A (left_length(), padded to whole tiles), then the copied part of B
    /// that a tile reads.
    [[nodiscard]] isize buffer_length() const { return left_length() + row_numbers * std::min(most_depth(), depth); }
    [[nodiscard]] isize left_length() const {
        return std::min(most_rows, ddpm::detail::rounded_up(rows, product_rows)) * std::min(most_depth(), depth);
    }
};

struct product_tag {};  ///< for thread_scratch: the buffer of a task

/// The numbers of row blocks and of column blocks that a result is split into.
struct product_grid {
    isize down = 1;
    isize across = 1;
};

/// The grid of at most `tasks` blocks whose largest block has the fewest tiles. Among equal grids the one with most row
/// blocks, since blocks of the same rows would pack the same part of A.
[[nodiscard]] inline product_grid divide_product(isize row_tiles, isize column_tiles, isize tasks) {
    product_grid best;
    isize smallest = row_tiles * column_tiles;
    for (isize down = std::min({tasks, row_tiles, isize{64}}); down >= 1; --down) {
        const isize across = std::min(tasks / down, column_tiles);
        const isize largest =
            ddpm::detail::divided_up(row_tiles, down) * ddpm::detail::divided_up(column_tiles, across);
        if (largest < smallest) {
            smallest = largest;
            best = {down, across};
        }
    }
    return best;
}

/// Calls body(block) for blocks of so many rows and columns, in parallel.
template <class S, class Body>
void for_each_block_of(const product_problem<S>& problem, isize height, isize width, const Body& body) {
    const isize down = ddpm::detail::divided_up(problem.rows, height);
    const isize across = ddpm::detail::divided_up(problem.columns, width);
    parallel_for(down * across, 1, [&](isize task, isize) {
        const isize i = task % down * height;
        const isize j = task / down * width;
        body(problem.block(i, j, std::min(height, problem.rows - i), std::min(width, problem.columns - j)));
    });
}

/// Computes the product in blocks, in parallel if it is large. No sum is split between blocks, so the bits do not
/// depend on the grid, which may depend on the thread count.
template <class S>
void run_product(const product_problem<S>& problem, void (*body)(const product_problem<S>&)) {
    if (problem.rows == 0 || problem.columns == 0) {
        return;
    }
    constexpr double large_task = 1 << 26;
    const double work = static_cast<double>(problem.rows) * static_cast<double>(problem.columns) *
                        static_cast<double>(std::max<isize>(problem.depth, 1));
    const isize row_tiles = ddpm::detail::divided_up(problem.rows, product_rows);
    const isize column_tiles = ddpm::detail::divided_up(problem.columns, product_columns);
    product_grid grid;
    if (work >= 2.0 * product_task) {
        const isize threads = thread_count();
        const double most = static_cast<double>(threads > 1 ? 4 * threads : 1);
        const isize tasks = std::max(std::min(threads, static_cast<isize>(std::min(most, work / product_task))),
                                     static_cast<isize>(std::min(most, work / large_task)));
        grid = divide_product(row_tiles, column_tiles, tasks);
    }
    for_each_block_of(problem, ddpm::detail::divided_up(row_tiles, grid.down) * product_rows,
                      ddpm::detail::divided_up(column_tiles, grid.across) * product_columns,
                      [&](product_problem<S> block) {
                          block.buffer = thread_scratch<product_tag, S>(block.buffer_length());
                          body(block);
                      });
}

}  // namespace ddpm::kernels::detail
