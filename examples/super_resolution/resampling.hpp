// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>

namespace examples {

/// How the pixels of a line are made from those of another: each is a weighted sum of them.
/// @shape pixels made × pixels given
using line_weights = Eigen::MatrixXf;

/// The mean over each `factor` neighbours.
[[nodiscard]] inline line_weights mean_weights(ddpm::isize pixels, ddpm::isize factor) {
    line_weights weights = line_weights::Zero(pixels / factor, pixels);
    for (ddpm::isize i = 0; i < pixels; ++i) {
        weights(i / factor, i) = 1 / static_cast<float>(factor);
    }
    return weights;
}

/// Each pixel becomes `factor` of the same value.
[[nodiscard]] inline line_weights repeat_weights(ddpm::isize pixels, ddpm::isize factor) {
    return static_cast<float>(factor) * mean_weights(pixels * factor, factor).transpose();
}

/// Cubic interpolation by Catmull and Rom (a = −1/2), where pixels are areas: the new ones have their centres at
/// (i + 1/2)/factor − 1/2 among the given ones. Past its ends a line goes on with its last pixel.
/// @source Keys 1981, "Cubic convolution interpolation for digital image processing", eq. 15
[[nodiscard]] inline line_weights cubic_weights(ddpm::isize pixels, ddpm::isize factor) {
    const auto kernel = [](float distance) {
        const float d = std::abs(distance);
        return d < 1 ? (1.5f * d - 2.5f) * d * d + 1 : d < 2 ? ((-0.5f * d + 2.5f) * d - 4) * d + 2 : 0.0f;
    };
    line_weights weights = line_weights::Zero(pixels * factor, pixels);
    for (ddpm::isize i = 0; i < pixels * factor; ++i) {
        const float centre = (static_cast<float>(i) + 0.5f) / static_cast<float>(factor) - 0.5f;
        const auto before = static_cast<ddpm::isize>(std::floor(centre));
        for (ddpm::isize at = before - 1; at <= before + 2; ++at) {
            weights(i, std::clamp<ddpm::isize>(at, 0, pixels - 1)) += kernel(centre - static_cast<float>(at));
        }
    }
    return weights;
}

/// Grey images, one per column, with the pixels of their lines and then of their columns made anew by such weights.
[[nodiscard]] inline ddpm::batch<float> resampled(const ddpm::batch<float>& given, ddpm::sample_shape image,
                                                  ddpm::isize factor,
                                                  line_weights (*weights)(ddpm::isize pixels, ddpm::isize factor)) {
    using image_type = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
    const line_weights down = weights(image.height, factor), across = weights(image.width, factor);
    ddpm::batch<float> made(down.rows() * across.rows(), given.cols());
    for (ddpm::isize n = 0; n < given.cols(); ++n) {
        const Eigen::Map<const image_type> from(given.col(n).data(), image.height, image.width);
        Eigen::Map<image_type>(made.col(n).data(), down.rows(), across.rows()) = down * from * across.transpose();
    }
    return made;
}

}  // namespace examples
