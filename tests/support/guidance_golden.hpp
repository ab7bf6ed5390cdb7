// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include "support/evaluate.hpp"

#include <cmath>
#include <vector>

namespace ddpm::test {

/// The predictions of tests/predictor/make_golden.py at evaluation number t.
inline double golden_place(double t, isize i, isize n) {
    return 1 + static_cast<double>(i) + 10 * static_cast<double>(n) + 100 * t;
}
inline double golden_conditional(double t, isize i, isize n) { return std::sin(golden_place(t, i, n)) + 0.3; }
inline double golden_unconditional(double t, isize i, isize n) { return std::cos(2 * golden_place(t, i, n)); }

/// What a session gives at the last of several evaluations, 6 × 2.
template <Scalar S, class P>
[[nodiscard]] batch<double> golden_run(const P& predictor, int evaluations) {
    auto session = predictor.session(2);
    batch<S> out;
    for (int t = 0; t < evaluations; ++t) {
        out = call<S>(session, batch<S>(batch<S>::Zero(6, 2)), std::vector<double>(2, t));
    }
    return out.template cast<double>();
}

/// The largest difference from numbers in the order of the batch's memory.
inline double distance_to(const batch<double>& got, const std::vector<double>& expected) {
    return (got - Eigen::Map<const Eigen::ArrayXXd>(expected.data(), got.rows(), got.cols())).abs().maxCoeff();
}

}  // namespace ddpm::test
