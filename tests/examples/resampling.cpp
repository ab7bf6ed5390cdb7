// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include "examples/super_resolution/resampling.hpp"

#include <ddpm/core/shape.hpp>
#include <ddpm/core/types.hpp>

#include "support/catch.hpp"

#include <Eigen/Core>

#include <cmath>

namespace ddpm::test {

TEST_CASE("an image that is repeated and reduced again is the same", "[examples]") {
    const sample_shape image{2, 3, 1}, large{8, 12, 1};
    batch<float> given(6, 2);
    given << 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6, -6;
    const batch<float> repeated = examples::resampled(given, image, 4, examples::repeat_weights);
    CHECK(repeated.rows() == 96);
    CHECK(repeated(4, 0) == 2);    // line 0, pixel 4
    CHECK(repeated(48, 1) == -4);  // line 4, pixel 0
    CHECK((examples::resampled(repeated, large, 4, examples::mean_weights) == given).all());
}

TEST_CASE("cubic interpolation keeps a parabola, and weighs as published", "[examples]") {
    const examples::line_weights weights = examples::cubic_weights(7, 4);
    CHECK((weights.rowwise().sum().array() - 1).abs().maxCoeff() < 1e-6f);
    const Eigen::VectorXf at = Eigen::VectorXf::LinSpaced(7, 0, 6);
    const Eigen::VectorXf made = weights * at.array().square().matrix();
    for (isize i = 8; i < 20; ++i) {  // further out the line goes on with its last pixel
        const float centre = (static_cast<float>(i) + 0.5f) / 4 - 0.5f;
        CHECK(std::abs(made[i] - centre * centre) < 1e-5f);
    }
    // Pixel 9 lies 7/8 beyond pixel 1. PyTorch 2.13, interpolate(mode="bicubic", antialias=True), weighs the same.
    const float expected[] = {-0.0068359375f, 0.0908203125f, 0.9638671875f, -0.0478515625f};
    for (isize k = 0; k < 4; ++k) {
        CHECK(std::abs(weights(9, k) - expected[k]) < 1e-6f);
    }
}

}  // namespace ddpm::test
