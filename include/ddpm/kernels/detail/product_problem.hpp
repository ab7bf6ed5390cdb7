// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <cstddef>
#include <new>

namespace ddpm::kernels::detail {

/// A matrix by its first element and the steps to the next row and column.
template <class S>
struct strided {
    const S* data = nullptr;
    index row = 0;
    index column = 0;
};

/// One product, or a block of one: what kernels/detail/matrix_product.inl.hpp computes.
template <class S>
struct product_problem {
    strided<S> a, b;
    S* c = nullptr;
    index c_row = 0, c_column = 0;
    index rows = 0, columns = 0, depth = 0;
    const S* bias = nullptr;  ///< sums begin at bias[i·bias_row + j·bias_column]
    index bias_row = 0, bias_column = 0;
    bool accumulate = false;
    S* buffer = nullptr;  ///< of buffer_length()

    // What one pass works on: rows × depth of A fill half of a second-level cache of 1 MiB, depth columns of a tile of B a
    // third of a first-level cache, and depth × columns of B stay in the last. Multiples of every target's tile.
    static constexpr index most_rows = 384;
    static constexpr index most_depth = 1536 / static_cast<index>(sizeof(S));
    static constexpr index most_columns = 1200;

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
    [[nodiscard]] product_problem block(index i, index j, index height, index width) const {
        product_problem part = *this;
        part.a.data += i * a.row;
        part.b.data += j * b.column;
        part.c += i * c_row + j * c_column;
        part.bias = bias == nullptr ? nullptr : bias + i * bias_row + j * bias_column;
        part.rows = height;
        part.columns = width;
        return part;
    }

    /// Room for packed rows of A, up to 31 of them empty.
    [[nodiscard]] index left_length() const { return std::min(most_rows, rows + 31) * std::min(most_depth, depth); }

    /// Room for packed columns of B, and for a register that is stored beyond the last.
    [[nodiscard]] index right_length() const { return std::min(most_columns, columns) * std::min(most_depth, depth) + 16; }

    [[nodiscard]] index buffer_length() const { return left_length() + right_length(); }
};

/// Memory at cache lines, of the calling thread; it grows and is kept. Used only where no other task can begin on this
/// thread before it is done.
template <class S>
[[nodiscard]] S* thread_buffer(index length) {
    constexpr std::align_val_t alignment{64};
    struct buffer {
        ~buffer() { release(); }
        void release() {
            ::operator delete(data, alignment);
            data = nullptr;
            length = 0;
        }
        void* data = nullptr;
        index length = 0;
    };
    thread_local buffer mine;
    if (mine.length < length) {
        mine.release();
        mine.data = ::operator new(static_cast<std::size_t>(length) * sizeof(S), alignment);
        mine.length = length;
    }
    return static_cast<S*>(mine.data);
}

/// Computes the product in blocks, side by side if that is worth it. No sum is split, so the blocks leave no trace in the
/// bits and may follow the thread count.
template <class S>
void run_product(const product_problem<S>& problem, void (*body)(const product_problem<S>&)) {
    if (problem.rows == 0 || problem.columns == 0) {
        return;
    }
    constexpr double least_task = 1 << 18;  // multiplications that take as long as waking a thread
    constexpr double large_task = 1 << 26;
    constexpr index panel = 12, least_width = 96, least_height = 64;
    const double work = static_cast<double>(problem.rows) * static_cast<double>(problem.columns) *
                        static_cast<double>(std::max<index>(problem.depth, 1));
    const index threads = work < 2 * least_task ? 1 : thread_count();
    index tasks = 1;
    if (threads > 1) {
        tasks = std::min(threads, static_cast<index>(work / least_task));
        tasks = std::max(tasks, std::min(4 * threads, static_cast<index>(work / large_task)));
    }
    const index width_wanted = std::max((problem.columns + tasks - 1) / tasks, std::min(least_width, problem.columns));
    const index width = (width_wanted + panel - 1) / panel * panel;
    const index across = (problem.columns + width - 1) / width;
    const index down_wanted = std::max<index>(1, tasks / across);
    const index height_wanted = std::max((problem.rows + down_wanted - 1) / down_wanted, std::min(least_height, problem.rows));
    const index height = (height_wanted + 31) / 32 * 32;
    const index down = (problem.rows + height - 1) / height;
    parallel_for(across * down, 1, [&](index first, index last) {
        for (index task = first; task < last; ++task) {
            const index i = task % down * height;
            const index j = task / down * width;
            product_problem<S> part =
                problem.block(i, j, std::min(height, problem.rows - i), std::min(width, problem.columns - j));
            part.buffer = thread_buffer<S>(part.buffer_length());
            body(part);
        }
    });
}

}  // namespace ddpm::kernels::detail
