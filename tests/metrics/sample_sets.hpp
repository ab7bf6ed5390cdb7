// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/philox_normal.hpp>

#include <Eigen/Core>
#include <Eigen/QR>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ddpm::test {

/// The sets of make_golden.py.
inline batch<double> waves(isize dimension, isize count, int which) {
    batch<double> x(dimension, count);
    for (isize n = 0; n < count; ++n) {
        for (isize i = 0; i < dimension; ++i) {
            const double k = static_cast<double>(i), w = which;
            x(i, n) = std::sin(1 + k + 0.37 * (w + 1) * static_cast<double>(n * n) * (k + 1.3)) +
                      0.25 * w * static_cast<double>(i % 3);
        }
    }
    return x;
}

/// Samples of N(mean, deviation² I), another set for each seed.
template <Scalar S = double>
batch<S> gaussian_samples(isize dimension, isize count, std::uint64_t seed, double mean = 0, double deviation = 1) {
    batch<double> x(dimension, count);
    kernels::philox_normal<double>({.seed = seed}, x);
    return (mean + deviation * x).cast<S>();
}

inline Eigen::MatrixXd rotation(isize dimension) {
    return gaussian_samples(dimension, dimension, 99).matrix().householderQr().householderQ();
}

template <class X, class Y>
double plain_squared_distance(const X& x, isize n, const Y& y, isize m) {
    return (x.col(n).template cast<double>() - y.col(m).template cast<double>()).square().sum();
}

/// The squared distance of sample m of a set to its k-th nearest other sample.
template <class X>
double plain_kth_squared(const X& set, isize m, isize k) {
    std::vector<double> distances;
    for (isize n = 0; n < set.cols(); ++n) {
        if (n != m) {
            distances.push_back(plain_squared_distance(set, n, set, m));
        }
    }
    std::sort(distances.begin(), distances.end());
    return distances[static_cast<std::size_t>(k - 1)];
}

/// E k(x, x') + E k(y, y') − 2 E k(x, y) by its definition, of a function of two columns.
template <class X, class Y, class Kernel>
double plain_two_samples(const X& x, const Y& y, bool unbiased, const Kernel& kernel) {
    const auto within = [&](const auto& set) {
        double sum = 0;
        for (isize n = 0; n < set.cols(); ++n) {
            for (isize m = 0; m < set.cols(); ++m) {
                sum += unbiased && n == m ? 0 : kernel(set, n, set, m);
            }
        }
        return sum / static_cast<double>(set.cols() * (unbiased ? set.cols() - 1 : set.cols()));
    };
    double between = 0;
    for (isize n = 0; n < x.cols(); ++n) {
        for (isize m = 0; m < y.cols(); ++m) {
            between += kernel(x, n, y, m);
        }
    }
    return within(x) + within(y) - 2 * between / static_cast<double>(x.cols() * y.cols());
}

/// The mean of value(seed) over some seeds, and its standard error.
struct repeated_mean {
    double mean;
    double standard_error;
};

template <class Value>
repeated_mean mean_over_seeds(int count, const Value& value) {
    double sum = 0, squares = 0;
    for (int seed = 0; seed < count; ++seed) {
        const double v = value(static_cast<std::uint64_t>(seed));
        sum += v;
        squares += v * v;
    }
    const double mean = sum / count;
    return {mean, std::sqrt((squares / count - mean * mean) / (count - 1))};
}

}  // namespace ddpm::test
