// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#include <ddpm/kernels/detail/layer_norm.hpp>

#include "support/catch.hpp"
#include "support/each_target.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace ddpm::test {

TEMPLATE_TEST_CASE("layer normalization and its gradient are their formulas on every target", "[kernels]", float,
                   double) {
    using S = TestType;
    const auto size = GENERATE(std::array<ddpm::isize, 2>{3, 2}, std::array<ddpm::isize, 2>{16, 1},
                               std::array<ddpm::isize, 2>{61, 4}, std::array<ddpm::isize, 2>{1000, 40});
    const ddpm::isize rows = size[0], columns = size[1];
    const double tolerance = std::is_same_v<S, float> ? 2e-5 : 4e-14;
    const batch<S> x = random_batch<S>(rows, columns, 1) + S(3), dy = random_batch<S>(rows, columns, 2),
                   weight = random_batch<S>(rows, 1, 3), bias = random_batch<S>(rows, 1, 4);
    for_each_target([&] {
        batch<S> y(rows, columns), dx(rows, columns), moments(2, columns), dweight = batch<S>::Zero(rows, 1),
                                                                           dbias = dweight;
        kernels::detail::layer_norm<S>(x, weight.data(), bias.data(), 1e-5, y, moments);
        kernels::detail::layer_norm_backward<S>(x, weight.data(), moments, dy, dx, dweight.data(), dbias.data());
        batch<double> expected_dweight = batch<double>::Zero(rows, 1), expected_dbias = expected_dweight;
        double worst = 0;
        for (ddpm::isize n = 0; n < columns; ++n) {
            const batch<double> xn = x.col(n).template cast<double>(), dyn = dy.col(n).template cast<double>();
            const double mean = xn.mean(), deviation = std::sqrt((xn - mean).square().mean() + 1e-5);
            const batch<double> z = (xn - mean) / deviation, g = dyn * weight.template cast<double>();
            const batch<double> yn = z * weight.template cast<double>() + bias.template cast<double>();
            const batch<double> dxn = (g - g.mean() - z * (g * z).mean()) / deviation;
            worst = std::max({worst, (y.col(n).template cast<double>() - yn).abs().maxCoeff(),
                              (dx.col(n).template cast<double>() - dxn).abs().maxCoeff()});
            expected_dweight += dyn * z;
            expected_dbias += dyn;
        }
        CHECK(worst <= tolerance);
        CHECK((dweight.template cast<double>() - expected_dweight).abs().maxCoeff() <=
              tolerance * static_cast<double>(columns));
        CHECK((dbias.template cast<double>() - expected_dbias).abs().maxCoeff() <=
              tolerance * static_cast<double>(columns));
        // In place.
        batch<S> again = x, d_again = dy;
        kernels::detail::layer_norm<S>(again, weight.data(), bias.data(), 1e-5, again, moments);
        kernels::detail::layer_norm_backward<S>(x, weight.data(), moments, d_again, d_again, dweight.data(),
                                                dbias.data());
        CHECK((again == y).all());
        CHECK((d_again == dx).all());
    });
}

}  // namespace ddpm::test
