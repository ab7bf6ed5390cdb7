// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>

#include <cmath>
#include <limits>
#include <random>

namespace ddpm::test {

/// `count` roundings of a number of the size of 1: count times the unit roundoff of S, 2⁻²⁴ or 2⁻⁵³.
template <Scalar S>
[[nodiscard]] constexpr long double roundings(long double count) {
    return count * static_cast<long double>(std::numeric_limits<S>::epsilon()) / 2;
}

/// Whether |got − exact| ≤ bound.
[[nodiscard]] inline bool within(long double got, long double exact, long double bound) {
    return std::abs(got - exact) <= bound;
}

/// Numbers for tests of bounds, the same in every run.
class random_numbers {
public:
    /// Uniform in [low, high).
    [[nodiscard]] double uniform(double low, double high) {
        return low + static_cast<double>(engine_() >> 11) * 0x1p-53 * (high - low);
    }

    /// Uniform in its logarithm between low and high, both above 0.
    [[nodiscard]] double of_any_size(double low, double high) {
        return std::exp(uniform(std::log(low), std::log(high)));
    }

    /// D × N numbers of both signs, of sizes from 1e-3 to 1e3.
    template <Scalar S>
    [[nodiscard]] batch<S> values(isize rows, isize columns) {
        batch<S> x(rows, columns);
        for (isize i = 0; i < x.size(); ++i) {
            const double size = of_any_size(1e-3, 1e3);
            x(i) = static_cast<S>(uniform(0, 1) < 0.5 ? size : -size);
        }
        return x;
    }

private:
    std::mt19937_64 engine_{1};
};

}  // namespace ddpm::test
