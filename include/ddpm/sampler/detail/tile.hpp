// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/blocks.hpp>

#include <algorithm>

namespace ddpm::detail {

/// At most how many elements a tile has: few enough that several arrays of them stay in the fastest cache.
inline constexpr index tile_elements = 2048;
static_assert(tile_elements % 64 == 0);

/// Whole samples of a contiguous batch, or a part of one.
struct tile {
    index sample;   ///< the first one
    index samples;
    index row;      ///< of a part, the first; a multiple of 64
    index rows;
    index first;    ///< position of the first element among all
    [[nodiscard]] index size() const noexcept { return samples * rows; }
};

/// Calls body(tile) for tiles that cover a D × N batch, side by side when there are many.
template <class Body>
void for_each_tile(index rows, index columns, const Body& body) {
    const index parts = std::max<index>(1, (rows - 1) / tile_elements + 1);               // of a sample
    const index together = std::max<index>(1, tile_elements / std::max<index>(1, rows));  // samples
    const index tiles = rows == 0 ? 0 : parts > 1 ? columns * parts : (columns + together - 1) / together;
    parallel_for(tiles, kernels::block_elements / tile_elements, [&](index begin, index end) {
        for (index k = begin; k < end; ++k) {
            const index sample = parts > 1 ? k / parts : k * together;
            const index row = parts > 1 ? k % parts * tile_elements : 0;
            body(tile{sample, std::min(together, columns - sample), row, std::min(rows - row, tile_elements),
                      sample * rows + row});
        }
    });
}

}  // namespace ddpm::detail
