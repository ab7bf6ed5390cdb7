// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT

// The statistics of a thousand million normals of one fixed seed, so that they pass or fail for good. Each check fails a
// perfect source with a probability below 1e-6: it allows five standard errors, or the stated quantile. There are about 50
// checks: a perfect source with another seed fails one of them with a probability below 1e-4.
#include <ddpm/core/parallel.hpp>
#include <ddpm/random/noise.hpp>

#include "support/catch.hpp"
#include "support/sanitizer.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <numbers>
#include <vector>

namespace ddpm::test {
namespace {

double normal_cdf(double x) { return 0.5 * std::erfc(-x * std::numbers::sqrt2 / 2); }

/// x with Φ(x) = p.
double normal_quantile(double p) {
    double low = -10, high = 10;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (normal_cdf(middle) < p ? low : high) = middle;
    }
    return high;
}

/// Counts of equally likely bins. A table of narrow cells of equal width says in which bin each begins.
class histogram {
public:
    static constexpr std::size_t bins = std::size_t{1} << 14;

    histogram() : edges_(bins + 1), first_(cells), counts_(bins, 0) {
        edges_.front() = -1e9F;
        edges_.back() = 1e9F;
        for (std::size_t i = 1; i < bins; ++i) {
            edges_[i] = static_cast<float>(normal_quantile(static_cast<double>(i) / bins));
        }
        std::size_t bin = 0;
        for (std::size_t cell = 0; cell < cells; ++cell) {
            const float begin = (static_cast<float>(cell) - middle) / per_unit;
            while (edges_[bin + 1] <= begin) {
                ++bin;
            }
            first_[cell] = static_cast<std::uint32_t>(bin);
        }
    }

    void add(float x) {
        // One cell before, since the product and the sum are rounded.
        const float cell = std::clamp(x * per_unit + middle - 1, 0.0F, 2 * middle - 1);
        std::size_t bin = first_[static_cast<std::size_t>(cell)];
        while (edges_[bin + 1] <= x) {
            ++bin;
        }
        ++counts_[bin];
    }

    /// The count and the probability of bin i; the edges are rounded to float.
    [[nodiscard]] double count(std::size_t i) const { return static_cast<double>(counts_[i]); }
    [[nodiscard]] double probability(std::size_t i) const {
        const double below = i == 0 ? 0 : normal_cdf(static_cast<double>(edges_[i]));
        return (i + 1 == bins ? 1 : normal_cdf(static_cast<double>(edges_[i + 1]))) - below;
    }

private:
    static constexpr std::size_t cells = std::size_t{1} << 17;
    static constexpr float per_unit = 8192, middle = 65536;
    std::vector<float> edges_;
    std::vector<std::uint32_t> first_;
    std::vector<std::uint64_t> counts_;
};

/// Sums over pairs of independent normals: of products, and of products of squares less one.
struct pair_sums {
    double count = 0, product = 0, square = 0;

    /// Of the elements of x and y at the same places.
    void add(const float* x, const float* y, isize size) {
        std::array<double, 8> products{}, squares{};
        for (isize i = 0; i < size; ++i) {
            const float p = x[i] * y[i], s = (x[i] * x[i] - 1) * (y[i] * y[i] - 1);
            products[static_cast<std::size_t>(i % 8)] += static_cast<double>(p);
            squares[static_cast<std::size_t>(i % 8)] += static_cast<double>(s);
        }
        for (std::size_t i = 0; i < 8; ++i) {
            product += products[i];
            square += squares[i];
        }
        count += static_cast<double>(size);
    }

    void check(const char* what) const {  // variances 1 and 4
        INFO(what);
        CHECK(std::abs(product) <= 5 * std::sqrt(count));
        CHECK(std::abs(square) <= 5 * std::sqrt(4 * count));
    }
};

}  // namespace

TEST_CASE("a thousand million normals pass tests of distribution, tails, lags and correlation", "[random][slow]") {
    constexpr isize rows = 4096, columns = 256;
#if defined(DDPM_TEST_SANITIZER)
    constexpr isize steps = 16;
#else
    constexpr isize steps = 960;
#endif
    const philox_noise noise(7, noise_stream::sampler), other_stream(7, noise_stream::training),
        other_seed(8, noise_stream::sampler);
    constexpr std::array<isize, 12> lags{1, 2, 3, 4, 8, 15, 16, 32, 48, 64, 256, 1000};
    std::array<pair_sums, lags.size()> serial;
    pair_sums samples, streams, seeds, steps_apart;
    histogram counts;
    std::array<double, 6> powers{};
    std::array<double, 4> beyond{};  // |x| > 3, 4, 5, 6
    float largest = 0;
    batch<float> x(rows, columns), other(rows, columns), before(rows, columns);
    for (isize step = 0; step < steps; ++step) {
        noise.normal<float>(x, step);
        for (isize n = 0; n < columns; ++n) {
            const float* const column = x.col(n).data();
            std::array<double, 6> sums{};
            for (isize i = 0; i < rows; ++i) {
                const double at = static_cast<double>(column[i]), square = at * at, cube = square * at;
                sums[0] += at;
                sums[1] += square;
                sums[2] += cube;
                sums[3] += square * square;
                sums[4] += cube * square;
                sums[5] += cube * cube;
                counts.add(column[i]);
                const float size = std::abs(column[i]);
                if (size > 3) {
                    for (std::size_t k = 0; k < 4; ++k) {
                        beyond[k] += size > static_cast<float>(k + 3) ? 1 : 0;
                    }
                    largest = std::max(largest, size);
                }
            }
            for (std::size_t k = 0; k < 6; ++k) {
                powers[k] += sums[k];
            }
            for (std::size_t k = 0; k < lags.size(); ++k) {
                serial[k].add(column, column + lags[k], rows - lags[k]);
            }
        }
        samples.add(x.data(), x.data() + rows, rows * (columns - 1));
        if (step > 0) {
            steps_apart.add(x.data(), before.data(), x.size());
        }
        before = x;
        other_stream.normal<float>(other, step);
        streams.add(x.data(), other.data(), x.size());
        other_seed.normal<float>(other, step);
        seeds.add(x.data(), other.data(), x.size());
    }

    const double n = static_cast<double>(rows * columns * steps);
    // The mean and the variance of x^k: those of a normal.
    constexpr std::array<double, 6> means{0, 1, 0, 3, 0, 15}, variances{1, 2, 15, 96, 945, 10170};
    for (std::size_t k = 0; k < 6; ++k) {
        INFO("moment " << k + 1 << ": " << powers[k] / n);
        CHECK(std::abs(powers[k] - means[k] * n) <= 5 * std::sqrt(variances[k] * n));
    }
    // Chi-square with bins − 1 degrees of freedom, which is nearly normal, and Kolmogorov–Smirnov at the bins' borders.
    constexpr double freedom = histogram::bins - 1;
    double chi_square = 0, below = 0, expected_below = 0, distance = 0;
    for (std::size_t i = 0; i < histogram::bins; ++i) {
        const double expected = n * counts.probability(i), count = counts.count(i);
        chi_square += (count - expected) * (count - expected) / expected;
        below += count;
        expected_below += expected;
        distance = std::max(distance, std::abs(below - expected_below) / n);
    }
    CHECK(std::abs(chi_square - freedom) <= 5.1 * std::sqrt(2 * freedom));
    CHECK(distance * std::sqrt(n) <= 2.7);  // exceeded with probability 9e-7
    for (std::size_t k = 0; k < 4; ++k) {
        const double mean = 2 * n * normal_cdf(-static_cast<double>(k + 3));
        INFO("beyond " << k + 3 << ": " << beyond[k] << " instead of " << mean);
        CHECK(std::abs(beyond[k] - mean) <= 5.2 * std::sqrt(mean) + 3);
    }
    // The probability that none of n is beyond `rare` is 1e-6; none is beyond the largest radius of the transform.
    const double rare = -normal_quantile(std::log(1e6) / (2 * n));
    CHECK(static_cast<double>(largest) > rare);
    CHECK(largest <= 6.66044f);
    for (std::size_t k = 0; k < lags.size(); ++k) {
        CAPTURE(lags[k]);
        serial[k].check("elements");
    }
    samples.check("neighbouring samples");
    steps_apart.check("neighbouring steps");
    streams.check("streams");
    seeds.check("seeds");
    std::cout << n << " normals: chi-square " << chi_square << " of " << freedom << " degrees of freedom, largest "
              << largest << ", beyond 6: " << beyond[3] << std::endl;
}

}  // namespace ddpm::test
