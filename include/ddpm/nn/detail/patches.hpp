// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// The output pixels of a convolution, with the column fastest, then row and sample, and their input patches: that of
/// pixel (row, column) begins at (row·step + top, column·step + left). A patch has the order of the image: channel,
/// column, row.
struct patch_grid {
    isize rows = 0;
    isize columns = 0;
    isize samples = 0;
    isize step = 1;
    isize top = 0;
    isize left = 0;
    isize height = 1;  ///< of a patch
    isize width = 1;

    [[nodiscard]] isize pixels() const noexcept { return rows * columns * samples; }
    [[nodiscard]] isize depth(isize channels) const noexcept { return height * width * channels; }
};

/// Copies elements begin … end − 1 of the patches of pixels first … first + count − 1 to `out`, patches `pitch` apart;
/// 0 outside the image.
template <Scalar S>
void gather_patches(const feature_map<const S>& x, const patch_grid& grid, isize first, isize count, isize begin,
                    isize end, S* out, isize pitch) {
    const isize image_line = x.width * x.channels;
    const isize patch_line = grid.width * x.channels;
    const isize first_line = begin / patch_line;
    isize column = first % grid.columns;
    isize row = first / grid.columns % grid.rows;
    isize sample = first / (grid.columns * grid.rows);
    for (; count > 0; --count, out += pitch) {
        const S* const image = x.data + sample * x.height * image_line;
        S* to = out;
        isize k = begin;
        for (isize line = first_line; k < end; ++line) {
            const isize length = std::min(end, (line + 1) * patch_line) - k;
            const isize from = (column * grid.step + grid.left) * x.channels + k - line * patch_line;
            const isize image_row = row * grid.step + grid.top + line;
            const bool inside = image_row >= 0 && image_row < x.height;
            const isize before = inside ? std::clamp<isize>(-from, 0, length) : length;
            const isize after = inside ? std::clamp<isize>(from + length - image_line, 0, length - before) : 0;
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
