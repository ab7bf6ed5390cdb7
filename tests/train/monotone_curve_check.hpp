// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/nn/parameters.hpp>
#include <ddpm/train/monotone_curve.hpp>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

#include <cmath>

namespace ddpm::test {

inline constexpr double curve_places[] = {0, 0.1, 0.37, 0.5, 0.93, 1};

/// Checks a sum of values and slopes against its central differences with respect to parameters and t.
template <class Curve>
void check_curve(Curve& curve) {
    const double dvalue = 0.7, dslope = -1.3;
    const auto loss = [&] {
        double sum = 0;
        for (const double t : curve_places) {
            const curve_point p = curve(t);
            sum += (1 + t) * (dvalue * p.value + dslope * p.slope);
        }
        return sum;
    };
    Curve d = nn::zeros_like(curve);
    for (const double t : curve_places) {
        curve.backward(t, (1 + t) * dvalue, (1 + t) * dslope, d);
    }
    CHECK(whole_gradient_error(curve, d, loss, 1e-5) < 1e-6);
    for (const double t : curve_places) {
        const double h = 1e-6, numeric = (curve(t + h).value - curve(t - h).value) / (2 * h);
        CHECK(std::abs(numeric - curve(t).slope) < 1e-6 * (1 + numeric));
        CHECK(curve(t).slope >= 0);
    }
}

}  // namespace ddpm::test
