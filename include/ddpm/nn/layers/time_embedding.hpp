// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/nn/detail/check.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

namespace ddpm::nn {

/// Which half of a time embedding holds the sines.
enum class embedding_order {
    sin_cos,  ///< the sines first: the DDPM paper's code
    cos_sin   ///< the cosines first: OpenAI's code, and diffusers with flip_sin_to_cos
};

/// Sines and cosines of the time at frequencies max_period^(−i / (dim/2 − freq_shift)), i = 0 … dim/2 − 1; with an odd
/// dimension the last element is 0. Computed in double, whatever the network's scalar; times beyond
/// kernels::largest_angle<double> give NaN.
/// @source Vaswani et al. 2017, arXiv 1706.03762, section 3.5; Ho et al. 2020, the authors' code (freq_shift 1)
struct time_embedding {
    isize dim = 64;
    embedding_order order = embedding_order::sin_cos;
    double freq_shift = 1;  ///< 1 in the DDPM paper's code, 0 in OpenAI's
    double max_period = 10000;
    bool float_angles = false;  ///< frequencies and angles are rounded to float, as PyTorch's code does, for parity

    /// @throws value_error unless dim ≥ 1, max_period > 0, and freq_shift ≠ ⌊dim/2⌋ if dim ≥ 4
    void require_valid() const {
        detail::require(dim >= 1, "time_embedding", "dim", {">= 1"}, {dim});
        detail::require(max_period > 0 && std::isfinite(max_period), "time_embedding", "max_period", {"finite and > 0"},
                        {max_period});
        detail::require(dim < 4 || std::abs(pairs() - freq_shift) > 0, "time_embedding", "freq_shift",
                        {"another number than dim / 2"}, {freq_shift});
    }

    /// One column per time: sin(t ω_i) and cos(t ω_i) in the two halves, with the frequencies ω_i. There is no gradient.
    /// @shape t N; out dim × N
    /// @units t is the model's time: for a discrete schedule the 0-based timestep
    /// @throws shape_error if the shapes do not fit; value_error for options outside their domain
    /// @accuracy 1e-12 in double for times up to 1000, 6e-8 in float; with float_angles from the rounded angles
    template <Scalar S>
    void forward(std::span<const double> t, batch_view<S> out) const {
        require_valid();
        detail::require_batch("time_embedding", "output", out, dim, static_cast<isize>(t.size()));
        const isize half = dim / 2;
        const isize sines = order == embedding_order::sin_cos ? 0 : half;
        const isize cosines = half - sines;
        constexpr isize samples_per_task = 32, block = 64;
        parallel_for(out.columns(), samples_per_task, [&](isize first, isize last) {
            std::array<double, block> frequencies, angles, cosine;
            for (isize begin = 0; begin < half; begin += block) {
                const isize count = std::min(block, half - begin);
                const auto at = [](isize i) { return static_cast<std::size_t>(i); };
                for (isize i = 0; i < count; ++i) {
                    frequencies[at(i)] = frequency(begin + i);
                }
                for (isize n = first; n < last; ++n) {
                    for (isize i = 0; i < count; ++i) {
                        const double angle = t[at(n)] * frequencies[at(i)];
                        angles[at(i)] = float_angles ? static_cast<double>(static_cast<float>(angle)) : angle;
                    }
                    kernels::sincos(count, angles.data(), angles.data(), cosine.data());
                    for (isize i = 0; i < count; ++i) {
                        out(sines + begin + i, n) = static_cast<S>(angles[at(i)]);
                        out(cosines + begin + i, n) = static_cast<S>(cosine[at(i)]);
                    }
                }
            }
            for (isize n = first; 2 * half < dim && n < last; ++n) {
                out(dim - 1, n) = S{0};
            }
        });
    }

private:
    /// The number of pairs of sine and cosine: ⌊dim/2⌋.
    [[nodiscard]] double pairs() const {
        const isize count = dim / 2;
        return static_cast<double>(count);
    }

    /// The frequency of sine and cosine i.
    [[nodiscard]] double frequency(isize i) const {
        if (float_angles) {
            const float logarithm = static_cast<float>(-std::log(max_period)) * static_cast<float>(i);
            const float exponent = logarithm / static_cast<float>(pairs() - freq_shift);
            return static_cast<double>(static_cast<float>(std::exp(static_cast<double>(exponent))));
        }
        const double exponent = i == 0 ? 0 : static_cast<double>(i) / (pairs() - freq_shift);
        return std::exp(-std::log(max_period) * exponent);
    }
};

}  // namespace ddpm::nn
