// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>

namespace ddpm::kernels {

/// Elements that one call of an elementwise body takes at least before the work is split.
inline constexpr index block_elements = 16384;

/// Calls body(n, first, last) so that every element first … last − 1 of every column n of a D × N batch is met once, in
/// blocks that depend on D and N only, side by side when there is more than one block.
template <class Body>
void for_each_block(index rows, index columns, Body&& body) {
    if (rows <= 0 || columns <= 0) {
        return;
    }
    if (rows >= block_elements) {
        const index per_column = (rows - 1) / block_elements + 1;
        parallel_for(columns * per_column, 1, [&](index first, index last) {
            for (index block = first; block < last; ++block) {
                const index row = block % per_column * block_elements;
                body(block / per_column, row, std::min(rows, row + block_elements));
            }
        });
        return;
    }
    parallel_for(columns, std::max<index>(1, block_elements / rows), [&](index first, index last) {
        for (index n = first; n < last; ++n) {
            body(n, index{0}, rows);
        }
    });
}

}  // namespace ddpm::kernels
