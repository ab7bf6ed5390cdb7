// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/feature_map.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// Output pixels of a convolution, numbered column by column, row by row, sample by sample, and the patch of the input
/// that each of them sees: that of (row, column) begins at (row·step + top, column·step + left). A patch lies as the
/// image does: the channels of a pixel, then its row, then the next row.
struct patch_grid {
    index rows = 0;
    index columns = 0;
    index samples = 0;
    index step = 1;
    index top = 0;
    index left = 0;
    index height = 1;  ///< of a patch
    index width = 1;

    [[nodiscard]] index pixels() const noexcept { return rows * columns * samples; }
    [[nodiscard]] index depth(index channels) const noexcept { return height * width * channels; }
};

/// The numbers `begin` … `end` − 1 of each patch of the pixels `first` … `first` + `count` − 1, patch after patch
/// `pitch` apart; zeros where there is no image.
template <Scalar S>
void gather_patches(const feature_map<const S>& x, const patch_grid& grid, index first, index count, index begin,
                    index end, S* out, index pitch) {
    const index image_line = x.width * x.channels;
    const index patch_line = grid.width * x.channels;
    const index first_line = begin / patch_line;
    index column = first % grid.columns;
    index row = first / grid.columns % grid.rows;
    index sample = first / (grid.columns * grid.rows);
    for (; count > 0; --count, out += pitch) {
        const S* const image = x.data + sample * x.height * image_line;
        S* to = out;
        index k = begin;
        for (index line = first_line; k < end; ++line) {
            const index length = std::min(end, (line + 1) * patch_line) - k;
            const index from = (column * grid.step + grid.left) * x.channels + k - line * patch_line;
            const index image_row = row * grid.step + grid.top + line;
            const bool inside = image_row >= 0 && image_row < x.height;
            const index before = inside ? std::clamp<index>(-from, 0, length) : length;
            const index after = inside ? std::clamp<index>(from + length - image_line, 0, length - before) : 0;
            std::fill_n(to, before, S{0});
            if (before + after < length) {
                std::copy_n(image + image_row * image_line + from + before, length - before - after, to + before);
            }
            std::fill_n(to + length - after, after, S{0});
            to += length;
            k += length;
        }
        if (++column == grid.columns) {
            column = 0;
            if (++row == grid.rows) {
                row = 0;
                ++sample;
            }
        }
    }
}

}  // namespace ddpm::nn::detail
