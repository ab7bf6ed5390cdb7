// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <utility>

namespace ddpm::kernels {

/// How many products matrix_product adds in one chain before it adds the chain to the sum: so few that rounding errors
/// stay small, so many that this takes no time. It divides the depth of 3 × 3 convolutions of multiples of 64 channels.
inline constexpr isize product_chain = 192;

/// Rows and columns of a result that the tiles of every instruction set cover whole, and multiplications that take as long
/// as waking a thread: for those who cut a product.
inline constexpr isize product_rows = 32;
inline constexpr isize product_columns = 12;
inline constexpr isize product_task = isize{1} << 19;

}  // namespace ddpm::kernels

namespace ddpm::kernels::detail {

/// A matrix by its first element and the steps to the next row and column.
template <class S>
struct strided {
    const S* data = nullptr;
    isize row = 0;
    isize column = 0;
};

/// One product, or a block of one: what kernels/detail/matrix_product.inl.hpp computes.
template <class S>
struct product_problem {
    strided<S> a, b;
    S* c = nullptr;
    isize c_row = 0, c_column = 0;
    isize rows = 0, columns = 0, depth = 0;
    const S* bias = nullptr;  ///< sums begin at bias[i·bias_row + j·bias_column]
    isize bias_row = 0, bias_column = 0;
    bool accumulate = false;
    S* buffer = nullptr;  ///< of buffer_length()

    // What one pass works on: rows × depth of A fill most of a second-level cache of 1 MiB, or half of it where the
    // depth is cut anyway; depth × columns of B a part of the last-level cache. Fewer rows leave room for more depth,
    // which saves passes over C. The depth is cut between chains.
    static constexpr isize most_rows = 1536 / static_cast<isize>(sizeof(S));
    [[nodiscard]] isize most_depth() const {
        return (rows <= most_rows / 2 ? 6 : depth <= 3 * product_chain ? 3 : 2) * product_chain;
    }
    static constexpr isize most_columns = 2400;

    static constexpr isize row_numbers = 16;  ///< in a row of B's part, copied for a tile
    static constexpr isize unrolled = 16;     ///< of k, where a part of it is whole

    [[nodiscard]] product_problem transposed() const {
        product_problem t = *this;
        t.a = {b.data, b.column, b.row};
        t.b = {a.data, a.column, a.row};
        std::swap(t.c_row, t.c_column);
        std::swap(t.rows, t.columns);
        std::swap(t.bias_row, t.bias_column);
        return t;
    }

    /// Rows i … i + height − 1 and columns j … j + width − 1.
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

    /// Room for packed rows of A, up to 31 of them empty, and then for the part of B that a tile reads.
    [[nodiscard]] isize buffer_length() const { return left_length() + row_numbers * std::min(most_depth(), depth); }
    [[nodiscard]] isize left_length() const {
        return std::min(most_rows, ddpm::detail::rounded_up(rows, product_rows)) * std::min(most_depth(), depth);
    }
};

struct product_tag {};  ///< for thread_scratch: what a task packs

/// How many blocks a result is cut into, down and across.
struct product_grid {
    isize down = 1;
    isize across = 1;
};

/// The grid of about `tasks` blocks whose largest is smallest, in tiles; of equal ones that which cuts rows, since
/// blocks side by side would pack the same rows.
[[nodiscard]] inline product_grid divide_product(isize row_tiles, isize column_tiles, isize tasks) {
    product_grid best;
    isize smallest = row_tiles * column_tiles;
    for (isize down = std::min({tasks, row_tiles, isize{64}}); down >= 1; --down) {
        const isize across = std::min(tasks / down, column_tiles);
        const isize largest = ddpm::detail::divided_up(row_tiles, down) * ddpm::detail::divided_up(column_tiles, across);
        if (largest < smallest) {
            smallest = largest;
            best = {down, across};
        }
    }
    return best;
}

/// Computes the product in blocks, side by side if that is worth it. No sum is split among them, so they leave no trace
/// in the bits and may follow the thread count.
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
    const isize height = ddpm::detail::divided_up(row_tiles, grid.down) * product_rows;
    const isize width = ddpm::detail::divided_up(column_tiles, grid.across) * product_columns;
    const isize down = ddpm::detail::divided_up(problem.rows, height);
    const isize across = ddpm::detail::divided_up(problem.columns, width);
    parallel_for(down * across, 1, [&](isize task, isize) {
        const isize i = task % down * height;
        const isize j = task / down * width;
        product_problem<S> part =
            problem.block(i, j, std::min(height, problem.rows - i), std::min(width, problem.columns - j));
        part.buffer = thread_scratch<product_tag, S>(part.buffer_length());
        body(part);
    });
}

}  // namespace ddpm::kernels::detail
