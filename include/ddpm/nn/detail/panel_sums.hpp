// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

namespace ddpm::nn::detail {

/// The sums of a panel of 32 outputs for some rows of some images: of pixel p of row r of image i at
/// 32 · (i · image + r · pitch + p).
struct panel_sums {
    const float* data;
    isize images, rows, width;
    isize image, pitch;
    isize first_image, first_row;  // of the output, or of a phase of it
};

}  // namespace ddpm::nn::detail
