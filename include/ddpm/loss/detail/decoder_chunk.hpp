// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/elementary.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ddpm::detail {

/// A chunk of elements that a decoder processes at once, in double.
struct decoder_chunk {
    static constexpr isize size = 64;
    isize count = 0;
    double x0[size], mean[size], log_scale[size];
    double value[size], d_mean[size], d_log_scale[size];
};

/// Whether a level is the first or the last. The bound is 0.999 for 256 levels, as in OpenAI's code.
struct bin_ends {
    explicit bin_ends(double half_bin) noexcept : bound(1 - 0.255 * half_bin) {}
    [[nodiscard]] bool is_lowest(double x0) const noexcept { return x0 < -bound; }
    [[nodiscard]] bool is_highest(double x0) const noexcept { return x0 > bound; }
    double bound;
};

/// 1 / standard deviation of each element. Standard deviations below e^−50, narrower than any bin, are replaced by
/// that, so that no power of the quotients overflows.
inline void inverse_deviations(const decoder_chunk& chunk, double* inverse) {
    double exponent[decoder_chunk::size];
    for (isize i = 0; i < chunk.count; ++i) {
        exponent[i] = -std::max(chunk.log_scale[i], -50.0);
    }
    kernels::exp(chunk.count, exponent, inverse);
}

/// Raises a value to the lower limit; its derivatives are then 0.
inline void set_floor(double floor, isize i, decoder_chunk& chunk) {
    if (chunk.value[i] < floor) {
        chunk.value[i] = floor;
        chunk.d_mean[i] = chunk.d_log_scale[i] = 0;
    }
}

/// With Φ(z) = 1 / (1 + e^−u(z)), u(z) = √(8/π) (z + 0.044715 z³), the probability of the bin from u = b to u = a is
/// (1 − e^−(a − b)) / ((1 + e^−a) (1 + e^b)), without the cancellation of Φ − Φ in the tails. For an infinite end the
/// corresponding factor is 1.
inline void decode_by_tanh(double half_bin, double smallest_probability, decoder_chunk& chunk) {
    constexpr isize size = decoder_chunk::size;
    constexpr double cubic = 0.044715;
    const double linear = std::sqrt(8 / std::numbers::pi);
    const double floor = std::log(smallest_probability);
    const bin_ends ends(half_bin);
    const auto u = [&](double z) { return linear * z * (1 + cubic * z * z); };
    const auto slope_of_u = [&](double z) { return linear * (1 + 3 * cubic * z * z); };

    double inverse[size], above[size], below[size], half_width[size];
    double exponent[3 * size], power[3 * size];  // e^−|a|, e^−|b|, e^−(a − b)
    double tanh[size];
    inverse_deviations(chunk, inverse);
    const isize count = chunk.count;
    for (isize i = 0; i < count; ++i) {
        const double c = chunk.x0[i] - chunk.mean[i], s = inverse[i];
        above[i] = s * (c + half_bin);
        below[i] = s * (c - half_bin);
        const double squares = above[i] * above[i] + above[i] * below[i] + below[i] * below[i];
        half_width[i] = linear * s * half_bin * (1 + cubic * squares);  // (a − b) / 2
        exponent[i] = -std::abs(u(above[i]));
        exponent[count + i] = -std::abs(u(below[i]));
        exponent[2 * count + i] = -2 * half_width[i];
    }
    kernels::exp(3 * count, exponent, power);
    kernels::tanh(count, half_width, tanh);

    double product[size];
    for (isize i = 0; i < count; ++i) {
        if (ends.is_lowest(chunk.x0[i])) {
            power[count + i] = power[2 * count + i] = 0;
            tanh[i] = 1;
        } else if (ends.is_highest(chunk.x0[i])) {
            power[i] = power[2 * count + i] = 0;
            tanh[i] = 1;
        }
        product[i] = 2 * tanh[i] / ((1 + tanh[i]) * (1 + power[i]) * (1 + power[count + i]));
    }
    kernels::log(count, product, chunk.value);

    for (isize i = 0; i < count; ++i) {
        const bool lowest = ends.is_lowest(chunk.x0[i]), highest = ends.is_highest(chunk.x0[i]);
        const double s = inverse[i], z_a = above[i], z_b = below[i], e_a = power[i], e_b = power[count + i];
        if (!highest) {
            chunk.value[i] += std::min(u(z_a), 0.0);
        }
        if (!lowest) {
            chunk.value[i] -= std::max(u(z_b), 0.0);
        }
        // Derivatives of the logarithm with respect to a, b, and a − b.
        const double of_a = highest ? 0 : (z_a >= 0 ? e_a : 1) / (1 + e_a);
        const double of_b = lowest ? 0 : (z_b >= 0 ? 1 : e_b) / (1 + e_b);
        const double of_width = power[2 * count + i] * (1 + tanh[i]) / (2 * tanh[i]);
        const double width = 2 * s * half_bin, squares = z_a * z_a + z_a * z_b + z_b * z_b;
        chunk.d_mean[i] = -s * (of_a * slope_of_u(z_a) - of_b * slope_of_u(z_b) +
                                of_width * linear * 3 * cubic * width * (z_a + z_b));
        chunk.d_log_scale[i] = -(of_a * slope_of_u(z_a) * z_a - of_b * slope_of_u(z_b) * z_b +
                                 of_width * linear * width * (1 + 3 * cubic * squares));
        set_floor(floor, i, chunk);
    }
}

/// As above with the exact Φ, computed on the side of the mean where Φ is small.
inline void decode_by_erfc(double half_bin, double smallest_probability, decoder_chunk& chunk) {
    const double floor = std::log(smallest_probability);
    const double per_root = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
    const bin_ends ends(half_bin);
    const auto cdf = [](double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); };
    double inverse[decoder_chunk::size];
    inverse_deviations(chunk, inverse);
    for (isize i = 0; i < chunk.count; ++i) {
        const bool lowest = ends.is_lowest(chunk.x0[i]), highest = ends.is_highest(chunk.x0[i]);
        const double c = chunk.x0[i] - chunk.mean[i], s = inverse[i];
        const double above = s * (c + half_bin), below = s * (c - half_bin);
        const double probability = lowest    ? cdf(above)
                                   : highest ? cdf(-below)
                                   : c > 0   ? cdf(-below) - cdf(-above)
                                             : cdf(above) - cdf(below);
        const double density_above = highest ? 0 : per_root * std::exp(-0.5 * above * above);
        const double density_below = lowest ? 0 : per_root * std::exp(-0.5 * below * below);
        chunk.value[i] = std::log(probability);
        chunk.d_mean[i] = probability == 0 ? 0 : -s * (density_above - density_below) / probability;
        chunk.d_log_scale[i] = probability == 0 ? 0 : -(density_above * above - density_below * below) / probability;
        set_floor(floor, i, chunk);
    }
}

/// The log-density of a Gaussian.
inline void decode_gaussian(decoder_chunk& chunk) {
    double exponent[decoder_chunk::size], precision[decoder_chunk::size];
    for (isize i = 0; i < chunk.count; ++i) {
        exponent[i] = -2 * chunk.log_scale[i];
    }
    kernels::exp(chunk.count, exponent, precision);
    const double log_root = 0.5 * std::log(2 * std::numbers::pi);
    for (isize i = 0; i < chunk.count; ++i) {
        const double c = chunk.x0[i] - chunk.mean[i], square = c * c * precision[i];
        chunk.value[i] = -log_root - chunk.log_scale[i] - 0.5 * square;
        chunk.d_mean[i] = c * precision[i];
        chunk.d_log_scale[i] = square - 1;
    }
}

}  // namespace ddpm::detail
