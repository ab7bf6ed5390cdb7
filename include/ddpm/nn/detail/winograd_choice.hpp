// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/winograd.hpp>

namespace ddpm::nn::detail {

/// How many outputs along a side the Winograd tiles of a 3 × 3 convolution of stride 1 have, or 0 if it is faster
/// computed directly. It depends on the channels and the size of the map only, so that a sample's bits do not depend on
/// the batch or the threads.
[[nodiscard]] constexpr isize winograd_outputs_for(isize inputs, isize outputs, isize height, isize width) noexcept {
    constexpr isize least_channels = 32, least_tiles = 16;  // with fewer the products are too small to be fast
    if (inputs < least_channels || inputs % kernels::detail::winograd_channels != 0 || outputs < least_channels) {
        return 0;
    }
    for (isize side = 4; side >= 2; side -= 2) {
        const isize tiles = ddpm::detail::divided_up(height, side) * ddpm::detail::divided_up(width, side);
        // Tiles at the borders of narrow maps have outputs that nobody needs: at least 2 of 5 products should be saved.
        if (tiles >= least_tiles && 5 * (side + 2) * (side + 2) * tiles <= 3 * 9 * height * width) {
            return side;
        }
    }
    return 0;
}

}  // namespace ddpm::nn::detail
