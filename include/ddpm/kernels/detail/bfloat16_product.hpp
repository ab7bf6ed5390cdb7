// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>
#include <ddpm/kernels/detail/bfloat16.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/pair_panels.hpp>
#include <ddpm/kernels/detail/product_problem.hpp>
#include <ddpm/kernels/matrix_product.hpp>

#include <algorithm>
#include <cstddef>

namespace ddpm::kernels::detail {

/// Computes a problem of a product whose factors are rounded to bfloat16, with c_row 1. `Panels` packs the factors and
/// computes the products of a panel.
template <class Panels>
void product_of_pairs(const product_problem<float>& problem) {
    struct pairs_tag {};  // for thread_scratch
    const packed_products_scope scope;
    constexpr isize block = packed_depth<bfloat16>, most_depth = 24 * block, most_rows = 256, most_columns = 256;
    const isize tall = std::min(most_rows, ddpm::detail::rounded_up(problem.rows, packed_outputs));
    const isize wide = std::min(most_columns, ddpm::detail::rounded_up(problem.columns, packed_beyond)) + packed_beyond;
    const isize deep = std::min(most_depth, ddpm::detail::rounded_up(std::max<isize>(1, problem.depth), block));
    // Two numbers of bfloat16 take the room of one float.
    float* const sums = thread_scratch<pairs_tag, float>(wide * packed_outputs + (tall + wide) * deep / 2);
    auto* const left = reinterpret_cast<bfloat16*>(sums + wide * packed_outputs);
    bfloat16* const right = left + tall * deep;
    std::fill_n(sums, wide * packed_outputs, 0.0f);  // what they stay if the depth is 0
    isize segments[static_cast<std::size_t>(most_depth / block)];
    for (isize s = 0; s < most_depth / block; ++s) {
        segments[s] = s * wide * block;
    }
    isize k = 0;
    do {  // at least once: with depth 0 the result is the start
        const isize depth = std::min(most_depth, problem.depth - k), blocks = ddpm::detail::divided_up(depth, block);
        for (isize i = 0; i < problem.rows; i += most_rows) {
            const isize rows = std::min(most_rows, problem.rows - i);
            Panels::pack_left(
                left, {problem.a.data + i * problem.a.row + k * problem.a.column, problem.a.row, problem.a.column},
                rows, depth);
            for (isize j = 0; j < problem.columns; j += most_columns) {
                const isize columns = std::min(most_columns, problem.columns - j);
                Panels::pack_right(
                    right, {problem.b.data + k * problem.b.row + j * problem.b.column, problem.b.column, problem.b.row},
                    columns, depth, wide);
                for (isize row = 0; row < rows; row += packed_outputs) {
                    if (depth > 0) {
                        Panels::multiply({right, block, segments, blocks, block, left + row * blocks * block, sums,
                                          packed_outputs, ddpm::detail::rounded_up(columns, packed_pixels)});
                    }
                    const float* const bias = problem.bias == nullptr ? nullptr : problem.bias + i + row;
                    Panels::store_sums(sums, std::min(packed_outputs, rows - row), columns, bias,
                                       problem.accumulate || k > 0, problem.c + i + row + j * problem.c_column,
                                       problem.c_column);
                }
            }
        }
        k += most_depth;
    } while (k < problem.depth);
}

/// Computes a problem of a product of pairs in blocks, in parallel if it is large. Every block packs its own rows and
/// columns, so that they are chosen to be packed few times. No sum is split between blocks: the bits do not depend on them.
template <class Panels>
void run_product_of_pairs(const product_problem<float>& problem) {
    if (problem.rows == 0 || problem.columns == 0) {
        return;
    }
    constexpr double packing = 100;  // a number takes about as long to pack as so many products
    const auto size = [](isize x) { return static_cast<double>(x); };
    const isize threads = ddpm::detail::inside_job() ? 1 : thread_count();
    const isize most =
        size(problem.rows) * size(problem.columns) * size(std::max<isize>(1, problem.depth)) >= 2.0 * product_task
            ? threads > 1 ? 4 * threads : 1
            : 1;
    const isize row_panels = ddpm::detail::divided_up(problem.rows, packed_outputs);
    const isize column_panels = ddpm::detail::divided_up(problem.columns, packed_beyond);
    isize height = row_panels, width = column_panels;  // in panels
    double least = 0;
    for (isize down = 1; down <= std::min(most, row_panels); ++down) {
        for (isize across = 1; down * across <= most && across <= column_panels; ++across) {
            const isize tall = ddpm::detail::divided_up(row_panels, down);
            const isize wide = ddpm::detail::divided_up(column_panels, across);
            const double rows = size(tall * packed_outputs), columns = size(wide * packed_beyond);
            const double time =
                size(ddpm::detail::divided_up(down * across, threads)) * (rows * columns + packing * (rows + columns));
            if (least == 0 || time < least) {
                least = time;
                height = tall;
                width = wide;
            }
        }
    }
    for_each_block_of(problem, height * packed_outputs, width * packed_beyond, &product_of_pairs<Panels>);
}

/// A copy of the matrix, rounded to bfloat16, in `to`, of a.rows · a.columns numbers.
[[nodiscard]] inline matrix_ref<float> rounded_copy(const matrix_ref<float>& a, float* to) {
    if (a.row_stride != 1 && a.column_stride == 1) {
        return rounded_copy(a.transposed(), to).transposed();
    }
    parallel_for(a.columns, columns_per_task(a.rows), [&](isize first, isize last) {
        for (isize j = first; j < last; ++j) {
            const float* const from = a.data + j * a.column_stride;
            float* const column = to + j * a.rows;
            if (a.row_stride != 1) {
                for (isize i = 0; i < a.rows; ++i) {
                    column[i] = from[i * a.row_stride];
                }
            }
            convert_as<bfloat16>(a.rows, a.row_stride == 1 ? from : column, column);
        }
    });
    return {to, a.rows, a.columns, 1, a.rows};
}

/// c = start + a·b, with a and b rounded to bfloat16 and sums in float: pairs of bfloat16 where the processor multiplies
/// them (see takes_pairs), floats elsewhere. c must not overlap a or b.
/// @shape as matrix_product
/// @throws as matrix_product
/// @determinism on one instruction set the bits depend only on row i of a and column j of b. Where pairs are multiplied, the
///     sums of 768 products each, which the instruction set adds, are added in order
/// @accuracy of pairs, to first order u · (k / 768 + 770) · (|start| + Σ_k |a(i,k)·b(k,j)|) for the rounded factors, with u
///     = 2⁻²⁴, and factors below 2⁻¹²⁶ may count as 0; of floats that of matrix_product
/// @complexity of pairs, each thread keeps 0.9 MB; of floats, the calling thread keeps
///     copies of a and b
inline void bfloat16_product(const matrix_ref<float>& a, const matrix_ref<float>& b, batch_view<float> c,
                             const product_start<float>& start = {}) {
    struct left_tag {};  // for thread_scratch
    struct right_tag {};
#if defined(__x86_64__)
    if (takes_pairs()) {
        run_product_of_pairs<native_panels>(problem_of(a, b, c, start));
        return;
    }
#endif
    float* const left = thread_scratch<left_tag, float>(a.rows * a.columns);
    float* const right = thread_scratch<right_tag, float>(b.rows * b.columns);
    matrix_product<float>(rounded_copy(a, left), rounded_copy(b, right), c, start);
}

}  // namespace ddpm::kernels::detail
