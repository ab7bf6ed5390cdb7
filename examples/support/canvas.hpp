// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <algorithm>

namespace examples {

/// The images, one per column, with another height and width: cropped at the bottom and at the right, or continued
/// there by the pixels of the border.
[[nodiscard]] inline ddpm::batch<float> on_canvas(ddpm::batch<float> images, ddpm::sample_shape from,
                                                  ddpm::sample_shape to) {
    if (from == to) {
        return images;
    }
    ddpm::batch<float> out(to.size(), images.cols());
    for (ddpm::isize y = 0; y < to.height; ++y) {
        for (ddpm::isize x = 0; x < to.width; ++x) {
            const ddpm::isize pixel = std::min(y, from.height - 1) * from.width + std::min(x, from.width - 1);
            out.middleRows((y * to.width + x) * to.channels, to.channels) =
                images.middleRows(pixel * from.channels, from.channels);
        }
    }
    return out;
}

}  // namespace examples
