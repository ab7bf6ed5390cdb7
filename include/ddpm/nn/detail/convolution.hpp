// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/nn/detail/convolution_start.hpp>
#include <ddpm/nn/detail/patches.hpp>
#include <ddpm/nn/detail/product.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/products.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

// Convolutions as matrix products of weights and patches (im2col). A product's bits do not depend on how rows and columns
// are divided, so that these blocks may depend on the caches and the thread count. How sums are divided may not: it depends
// on the sizes only.

struct patches_tag {};  ///< for thread_scratch: the patches of a task
struct result_tag {};   ///< its output pixels, if they are not contiguous

using ddpm::detail::divided_up;
using ddpm::detail::rounded_up;
using kernels::detail::product_columns;
using kernels::detail::product_rows;
using kernels::detail::product_task;

inline constexpr isize least_columns = 8;  ///< widths are multiples of this

/// The length of blocks of `size` elements: at most `most`, a multiple of `unit`, and such that all threads have
/// equally many blocks.
[[nodiscard]] inline isize even_block(isize size, isize most, isize unit, isize threads) {
    isize blocks = divided_up(size, most);
    if (blocks < 4 * threads) {
        blocks = rounded_up(blocks, threads);
    }
    return std::max(unit, rounded_up(divided_up(size, blocks), unit));
}

/// The largest part of a patch that is gathered at once, so that patches and weights fit the second-level cache.
[[nodiscard]] constexpr isize most_patch_depth(isize rows) noexcept { return rows <= 192 ? 640 : 384; }

/// Pixel (row, column) of a grid is written to pixel (row·step + top, column·step + left) of the output.
struct output_places {
    isize step = 1;
    isize top = 0;
    isize left = 0;
};

/// y = start + weights · patches of x, for the pixels of the grid.
/// @shape weights y.channels × depth of a patch, the rows fastest; a start other than zeros only with places.step 1
template <Scalar S>
void convolve(const float_products* products, const S* weights, const feature_map<const S>& x, const patch_grid& grid,
              const feature_map<S>& y, const output_places& places, const convolution_start<S>& start) {
    const isize pixels = grid.pixels(), depth = grid.depth(x.channels), rows = y.channels;
    if (pixels == 0 || rows == 0) {
        return;
    }
    const bool in_place = places.step == 1;
    const isize threads = thread_count();
    constexpr isize most_width = 768 / static_cast<isize>(sizeof(S));
    const isize width = even_block(pixels, most_width, least_columns, threads);
    const isize across = divided_up(pixels, width);
    const isize height =
        across >= threads ? rows : even_block(rows, divided_up(rows, threads / across), product_rows, 1);
    const isize down = divided_up(rows, height);
    const isize slabs = std::max<isize>(1, divided_up(depth, most_patch_depth(rows)));
    const isize slab = std::min(depth, rounded_up(divided_up(depth, slabs), kernels::detail::product_chain));
    const isize grain = std::max<isize>(1, product_task / std::max<isize>(1, width * height * depth));

    const auto compute = [&](isize i, isize j, isize count, S* patches, const batch_view<S>& to) {
        const bool alike = start.alike();
        if (!alike) {
            start.put(to, i, j, grid.rows * grid.columns);
        }
        isize k = 0;
        do {  // at least once: with depth 0 the result is the start
            const isize part = std::min(slab, depth - k);
            if (part > 0) {
                gather_patches(x, grid, j, count, k, k + part, patches, part);
            }
            const bool first = k == 0 && alike;
            product<S>(products, {weights + k * rows + i, to.rows(), part, 1, rows}, {patches, part, count, 1, part},
                       to,
                       {.row_bias = first && start.bias != nullptr ? start.bias + i : nullptr, .accumulate = !first});
            k += slab;
        } while (k < depth);
    };

    parallel_for(across * down, grain, [&](isize first_task, isize last_task) {
        S* const patches = thread_scratch<patches_tag, S>(slab * width);
        S* const aside = in_place ? nullptr : thread_scratch<result_tag, S>(height * width);
        for (isize task = first_task; task < last_task; ++task) {
            const isize i = task % down * height, j = task / down * width;
            const isize count = std::min(width, pixels - j), tall = std::min(height, rows - i);
            if (in_place) {
                compute(i, j, count, patches, y.columns().middle(j, count).middle_rows(i, tall));
                continue;
            }
            compute(i, j, count, patches, {aside, tall, count});
            for (isize p = 0; p < count; ++p) {
                const isize column = (j + p) % grid.columns, row = (j + p) / grid.columns % grid.rows;
                const isize sample = (j + p) / (grid.columns * grid.rows);
                const isize place =
                    (sample * y.height + row * places.step + places.top) * y.width + column * places.step + places.left;
                std::copy_n(aside + p * tall, tall, y.data + place * rows + i);
            }
        }
    });
}

/// d_weights += Σ over the pixels of the grid, in their order, of dy · patchᵀ.
/// @shape d_weights dy.channels × depth of a patch, the rows fastest
template <Scalar S>
void add_weight_gradient(const float_products* products, const feature_map<const S>& x, const patch_grid& grid,
                         const feature_map<const S>& dy, S* d_weights) {
    const isize pixels = grid.pixels(), depth = grid.depth(x.channels), rows = dy.channels;
    if (pixels == 0 || depth == 0 || rows == 0) {
        return;
    }
    const isize threads = thread_count();
    constexpr isize line = 64 / static_cast<isize>(sizeof(S));
    constexpr isize most_pixels = 8 / static_cast<isize>(sizeof(S)) * kernels::detail::product_chain;
    constexpr isize most_width = 16 * product_columns, least_width = 4 * product_columns;
    const isize width = std::min(even_block(depth, most_width, least_width, threads), rounded_up(depth, 4));
    const isize across = divided_up(depth, width);
    const isize height =
        across >= threads ? rows : even_block(rows, divided_up(rows, threads / across), product_rows, 1);
    const isize down = divided_up(rows, height);
    // An odd number of cache lines, so that the patches use all sets of the cache.
    const isize pitch = (divided_up(width, line) | 1) * line;
    const isize grain = std::max<isize>(1, product_task / std::max<isize>(1, width * height * pixels));
    const batch_view<S> d(d_weights, rows, depth);

    parallel_for(across * down, grain, [&](isize first_task, isize last_task) {
        S* const patches = thread_scratch<patches_tag, S>(pitch * most_pixels);
        for (isize task = first_task; task < last_task; ++task) {
            const isize i = task % down * height, k = task / down * width;
            const isize wide = std::min(width, depth - k), tall = std::min(height, rows - i);
            for (isize j = 0; j < pixels; j += most_pixels) {
                const isize count = std::min(most_pixels, pixels - j);
                gather_patches(x, grid, j, count, k, k + wide, patches, pitch);
                product<S>(products, {dy.data + j * rows + i, tall, count, 1, rows}, {patches, count, wide, pitch, 1},
                           d.middle(k, wide).middle_rows(i, tall), {.accumulate = true});
            }
        }
    });
}

/// Transposes a rows × columns matrix with contiguous columns, `stride` apart: row i becomes column i of `to`.
template <Scalar S>
void transpose(const S* from, isize stride, isize rows, isize columns, S* to) {
    constexpr isize block = 16;
    for (isize first = 0; first < columns; first += block) {
        const isize last = std::min(columns, first + block);
        for (isize i = 0; i < rows; ++i) {
            for (isize j = first; j < last; ++j) {
                to[i * columns + j] = from[j * stride + i];
            }
        }
    }
}

}  // namespace ddpm::nn::detail
