// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/predictor/concept.hpp>

#include <span>

namespace ddpm::test {

// The tables of bound_golden.py: element i of sample n at t.

inline double pattern_of(isize i, isize n, isize t, const int (&factor)[3], isize modulus, double divisor) {
    return static_cast<double>((i * factor[0] + n * factor[1] + t * factor[2]) % modulus) / divisor;
}
inline double pattern_pixel(isize i, isize n) { return 2 * static_cast<double>((i * 51 + n * 102) % 256) / 255 - 1; }
inline double pattern_noise(isize i, isize n, isize t) { return pattern_of(i, n, t, {37, 101, 53}, 41, 16) - 1.25; }
inline double pattern_prediction(isize i, isize n, isize t) { return pattern_of(i, n, t, {29, 71, 17}, 37, 18) - 1; }
inline double pattern_head(isize i, isize n, isize t) { return pattern_of(i, n, t, {31, 43, 19}, 33, 16) - 1; }

template <Scalar S = double>
[[nodiscard]] batch<S> pattern_pixels(isize rows, isize columns) {
    batch<S> x(rows, columns);
    for (isize n = 0; n < columns; ++n) {
        for (isize i = 0; i < rows; ++i) {
            x(i, n) = static_cast<S>(pattern_pixel(i, n));
        }
    }
    return x;
}

/// A noise source that is a table.
struct table_noise {
    template <Scalar S>
    void normal(batch_view<S> out, isize step, isize first_sample) const {
        for (isize n = 0; n < out.columns(); ++n) {
            for (isize i = 0; i < out.rows(); ++i) {
                out(i, n) = static_cast<S>(pattern_noise(i, first_sample + n, step));
            }
        }
    }
};

/// A network that is a table; the head is `head_scale` times the table's, plus `head_shift`.
struct table_predictor {
    double head_scale = 1, head_shift = 0;

    template <Scalar S>
    void operator()(batch_view<const S> xt, std::span<const double> t, const model_output<S>& out) const {
        for (isize n = 0; n < xt.columns(); ++n) {
            const isize time = static_cast<isize>(t[static_cast<std::size_t>(n)]);
            for (isize i = 0; i < xt.rows(); ++i) {
                out.prediction(i, n) = static_cast<S>(pattern_prediction(i, n, time));
                if (out.variance.size() != 0) {
                    out.variance(i, n) = static_cast<S>(head_scale * pattern_head(i, n, time) + head_shift);
                }
            }
        }
    }
};

}  // namespace ddpm::test
