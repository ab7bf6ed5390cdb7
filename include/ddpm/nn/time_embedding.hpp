// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/detail/check.hpp>

#include <cmath>
#include <span>

namespace ddpm::nn {

enum class embedding_order {
    sin_cos,  ///< the sines first: the DDPM paper's code
    cos_sin   ///< the cosines first: OpenAI's code, and diffusers with flip_sin_to_cos
};

/// Sines and cosines of the time at frequencies max_period^(−i / (dim/2 − freq_shift)), i = 0 … dim/2 − 1; with an odd
/// dimension the last element is 0. Computed in double, whatever the network's scalar.
/// @source Vaswani et al. 2017, arXiv 1706.03762, section 3.5; Ho et al. 2020, the authors' code (freq_shift 1)
struct time_embedding {
    index dim = 64;
    embedding_order order = embedding_order::sin_cos;
    double freq_shift = 1;  ///< 1 in the DDPM paper's code, 0 in OpenAI's
    double max_period = 10000;

    /// @throws value_error unless dim ≥ 1, max_period > 0, and freq_shift is another number than dim/2 where dim ≥ 4
    void require_valid() const {
        if (dim < 1) {
            throw value_error("time_embedding", "dim", ">= 1", dim);
        }
        if (!(max_period > 0) || !std::isfinite(max_period)) {
            throw value_error("time_embedding", "max_period", "> 0", max_period);
        }
        if (dim >= 4 && !(std::abs(static_cast<double>(dim / 2) - freq_shift) > 0)) {
            throw value_error("time_embedding", "freq_shift", "another number than dim / 2", freq_shift);
        }
    }

    /// Fills one column for each time.
    /// @shape t N; out dim × N
    /// @units t is the model's time: for a discrete schedule the 0-based timestep
    /// @throws shape_error if the shapes do not fit; value_error for options outside their domain
    template <Scalar S>
    void forward(std::span<const double> t, batch_view<S> out) const {
        require_valid();
        detail::require_batch("time_embedding", "output", out, dim, static_cast<index>(t.size()));
        const index half = dim / 2;
        const index sines = order == embedding_order::sin_cos ? 0 : half;
        const index cosines = half - sines;
        constexpr index samples_per_task = 32;
        parallel_for(out.columns(), samples_per_task, [&](index first, index last) {
            for (index i = 0; i < half; ++i) {
                const double exponent = i == 0 ? 0 : static_cast<double>(i) / (static_cast<double>(half) - freq_shift);
                const double frequency = std::exp(-std::log(max_period) * exponent);
                for (index n = first; n < last; ++n) {
                    const double angle = t[static_cast<std::size_t>(n)] * frequency;
                    out(sines + i, n) = static_cast<S>(std::sin(angle));
                    out(cosines + i, n) = static_cast<S>(std::cos(angle));
                }
            }
            for (index n = first; 2 * half < dim && n < last; ++n) {
                out(dim - 1, n) = S{0};
            }
        });
    }
};

}  // namespace ddpm::nn
