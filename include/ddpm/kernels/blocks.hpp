// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>
#include <type_traits>

namespace ddpm::kernels {

/// Elements that one call of an elementwise body takes at least before the work is split.
inline constexpr isize block_elements = 16384;

/// How many columns of so many elements make a task, where the work on an element is `weight` times that of an elementwise
/// body.
[[nodiscard]] constexpr isize columns_per_task(isize rows, isize weight = 1) noexcept {
    return std::max<isize>(1, block_elements / weight / std::max<isize>(1, rows));
}

namespace detail {

/// Columns of a batch, for a body.
template <class T>
struct strided_columns {
    T* first;
    isize stride;
};

/// How the columns of a batch are cut into blocks, numbered column by column, and how many blocks make a task. It
/// depends on the batch's size only.
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

/// Calls body(n, first, last) so that every element first … last − 1 of every column n of a D × N batch is met once, in
/// blocks that depend on D and N only, side by side when there is work for more than one task.
template <class Body>
void for_each_block(isize rows, isize columns, Body&& body) {
    const detail::block_cut cut(rows);
    parallel_for(rows > 0 ? columns * cut.per_column : 0, cut.per_task, [&](isize first, isize last) {
        for (isize block = first; block < last; ++block) {
            body(cut.column(block), cut.first(block), cut.last(block));
        }
    });
}

/// The same for bodies that treat all columns alike: columns that follow each other without a gap in all of the views
/// count as one.
template <class Body, class T, class... Others>
void for_each_alike(Body&& body, const batch_view<T>& view, const batch_view<Others>&... others) {
    const bool one = view.contiguous() && (others.contiguous() && ...);
    for_each_block(one ? view.size() : view.rows(), one ? std::min<isize>(1, view.columns()) : view.columns(), body);
}

/// The same for bodies that take several columns at once: body(n, count, first, last) means elements first … last − 1
/// of the columns n … n + count − 1. Only whole columns come together.
template <class Body>
void for_each_tile(isize rows, isize columns, Body&& body) {
    const detail::block_cut cut(rows);
    if (cut.per_column > 1) {
        for_each_block(rows, columns, [&](isize n, isize first, isize last) { body(n, isize{1}, first, last); });
    } else if (rows > 0) {
        parallel_for(columns, cut.per_task,
                     [&](isize first, isize last) { body(first, last - first, isize{0}, rows); });
    }
}

/// Calls body(n) for every column, side by side, unless columns are so large that a body will cut its own.
template <class Body>
void for_each_column(isize rows, isize columns, Body&& body) {
    const detail::block_cut cut(rows);
    parallel_for(columns, cut.per_column > 1 ? std::max<isize>(1, columns) : cut.per_task, [&](isize first, isize last) {
        for (isize n = first; n < last; ++n) {
            body(n);
        }
    });
}

/// The sum over all blocks of part(n, first, last), added in a fixed order: the same bits for every thread count.
template <class Part>
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

/// Calls take(n, sum) with the sum over each column n of part(n, first, last), as sum_over_blocks adds it, side by side
/// if there are several columns or blocks.
template <class Part, class Take>
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

/// The sum over all columns of weight · Σ part(terms, n, first, last), where terms = terms_of(n) and weight is a member
/// of it. Where `sums` is not null, sums[n] is that of column n without its weight.
/// @determinism the same bits for every thread count
template <class TermsOf, class Part>
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
