// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <concepts>
#include <type_traits>

namespace ddpm::kernels {

/// Number of elements of a block: work of at least this size is split into tasks.
inline constexpr isize block_elements = 16384;

/// Number of columns of `rows` elements per task, where an element takes `weight` times the work of an elementwise
/// kernel.
[[nodiscard]] constexpr isize columns_per_task(isize rows, isize weight = 1) noexcept {
    return std::max<isize>(1, block_elements / weight / std::max<isize>(1, rows));
}

namespace detail {

/// The columns of a batch, as a kernel body gets them: column n begins at first + n · stride.
template <class T>
struct strided_columns {
    T* first;
    isize stride;
};

/// How the columns of a batch are split into blocks, numbered column by column, and how many blocks make a task. It
/// depends only on the size of the batch.
struct block_cut {
    explicit block_cut(isize rows_) noexcept
        : rows(rows_),
          per_column(std::max<isize>(1, ddpm::detail::divided_up(rows, block_elements))),
          per_task(columns_per_task(rows)) {}

    [[nodiscard]] isize column(isize block) const noexcept { return block / per_column; }
    [[nodiscard]] isize first(isize block) const noexcept { return block % per_column * block_elements; }
    [[nodiscard]] isize last(isize block) const noexcept { return std::min(rows, first(block) + block_elements); }

    isize rows;
    isize per_column;
    isize per_task;
};

}  // namespace detail

/// Calls body(n, first, last) for blocks, elements first … last − 1 of column n, that together cover a D × N batch
/// once. The blocks depend only on D and N; they run in parallel if there are several tasks.
template <class Body>
    requires std::invocable<Body&, isize, isize, isize>
void for_each_block(isize rows, isize columns, Body&& body) {
    const detail::block_cut cut(rows);
    parallel_for(rows > 0 ? columns * cut.per_column : 0, cut.per_task, [&](isize first, isize last) {
        for (isize block = first; block < last; ++block) {
            body(cut.column(block), cut.first(block), cut.last(block));
        }
    });
}

/// The same for bodies that do not depend on the column: if all views are contiguous, the batch is treated as one
/// column.
template <class Body, class T, class... Others>
    requires std::invocable<Body&, isize, isize, isize>
void for_each_alike(Body&& body, const batch_view<T>& view, const batch_view<Others>&... others) {
    const bool one = view.contiguous() && (others.contiguous() && ...);
    for_each_block(one ? view.size() : view.rows(), one ? std::min<isize>(1, view.columns()) : view.columns(), body);
}

/// The same for bodies that process several columns per call: body(n, count, first, last) covers elements first … last
/// − 1 of columns n … n + count − 1. If count > 1, the columns are whole.
template <class Body>
    requires std::invocable<Body&, isize, isize, isize, isize>
void for_each_tile(isize rows, isize columns, Body&& body) {
    const detail::block_cut cut(rows);
    if (cut.per_column > 1) {
        for_each_block(rows, columns, [&](isize n, isize first, isize last) { body(n, isize{1}, first, last); });
    } else if (rows > 0) {
        parallel_for(columns, cut.per_task,
                     [&](isize first, isize last) { body(first, last - first, isize{0}, rows); });
    }
}

/// Calls body(n) for every column, in parallel, unless a column has several blocks: the body then splits its own
/// column.
template <class Body>
    requires std::invocable<Body&, isize>
void for_each_column(isize rows, isize columns, Body&& body) {
    const detail::block_cut cut(rows);
    parallel_for(columns, cut.per_column > 1 ? std::max<isize>(1, columns) : cut.per_task,
                 [&](isize first, isize last) {
                     for (isize n = first; n < last; ++n) {
                         body(n);
                     }
                 });
}

/// The sum over all blocks of part(n, first, last), added in a fixed order: the same bits for every thread count.
/// @accuracy with B parts, in double: at most B / 256 + 16384 / D + 256 roundings (2⁻⁵³) of Σ |part|
template <class Part>
    requires std::invocable<Part&, isize, isize, isize>
[[nodiscard]] auto sum_over_blocks(isize rows, isize columns, Part&& part) {
    const detail::block_cut cut(rows);
    return parallel_sum(rows > 0 ? columns * cut.per_column : 0, cut.per_task, [&](isize first, isize last) {
        std::invoke_result_t<Part&, isize, isize, isize> sum{};
        for (isize block = first; block < last; ++block) {
            sum += part(cut.column(block), cut.first(block), cut.last(block));
        }
        return sum;
    });
}

/// Calls take(n, sum) with the sum over each column n of part(n, first, last), added as by sum_over_blocks; columns or
/// blocks run in parallel.
/// @accuracy as sum_over_blocks of one column
template <class Part, class Take>
    requires std::invocable<Part&, isize, isize, isize> && std::invocable<Take&, isize, double>
void sum_columns(isize rows, isize columns, Part&& part, Take&& take) {
    if (rows <= block_elements) {
        parallel_for(columns, columns_per_task(rows), [&](isize first, isize last) {
            for (isize n = first; n < last; ++n) {
                take(n, rows > 0 ? part(n, isize{0}, rows) : 0.0);
            }
        });
        return;
    }
    for (isize n = 0; n < columns; ++n) {
        take(n, sum_over_blocks(rows, 1, [&](isize, isize first, isize last) { return part(n, first, last); }));
    }
}

/// The sum over all columns of terms.weight · Σ part(terms, n, first, last), where terms = terms_of(n). If `sums` is
/// not null, sums[n] is set to the sum of column n without its weight.
/// @determinism the same bits for every thread count
/// @accuracy with B parts: at most B / 256 + 16384 / D + N + 256 roundings (2⁻⁵³) of Σ |terms.weight · part|; sums as
/// sum_columns
template <class TermsOf, class Part>
    requires std::invocable<const TermsOf&, isize> &&
             std::invocable<const Part&, const std::invoke_result_t<const TermsOf&, isize>&, isize, isize, isize>
double weighted_sum_over_columns(isize rows, isize columns, const TermsOf& terms_of, const Part& part, double* sums) {
    if (sums == nullptr) {
        return sum_over_blocks(rows, columns, [&](isize n, isize first, isize last) {
            const auto terms = terms_of(n);
            return terms.weight * part(terms, n, first, last);
        });
    }
    sum_columns(
        rows, columns, [&](isize n, isize first, isize last) { return part(terms_of(n), n, first, last); },
        [&](isize n, double sum) { sums[n] = sum; });
    double total = 0;
    for (isize n = 0; n < columns; ++n) {
        total += terms_of(n).weight * sums[n];
    }
    return total;
}

}  // namespace ddpm::kernels
