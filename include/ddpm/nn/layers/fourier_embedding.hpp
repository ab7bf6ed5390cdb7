// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/elementary.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/nn/layers/time_embedding.hpp>
#include <ddpm/nn/memory/tensor.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

namespace ddpm::nn {

/// Sines and cosines of 2π · log t · weight. The frequencies are random (standard deviation 16) and not trained. Time 0
/// gives NaN, as in diffusers. Angles are computed in the network's scalar with diffusers' order of operations, since
/// rounding such large angles changes the result; sines and cosines in double.
/// @accuracy in float 10⁻⁴ for times up to 1000, from the angles, as in diffusers. Same bits as diffusers except where
/// torch's logarithm is not the nearest float
/// @source Song et al. 2020, arXiv 2011.13456, appendix C; diffusers' GaussianFourierProjection(scale 16, log), which
/// its UNet2DModel uses with the sines first, whatever its flip_sin_to_cos
template <Scalar S>
struct fourier_embedding {
    using scalar = S;

    tensor<S> weight;  ///< (size): the frequencies
    embedding_order order = embedding_order::sin_cos;

    fourier_embedding() noexcept = default;

    /// All frequencies zero.
    explicit fourier_embedding(isize size, embedding_order order_ = embedding_order::sin_cos)
        : weight({size}), order(order_) {}

    /// The number of frequencies, half the number of outputs.
    [[nodiscard]] isize size() const noexcept { return weight.size(); }

    /// One column per time: sin(a_i) and cos(a_i) in the two halves, with a_i = 2π · log t · weight_i. There is no
    /// gradient.
    /// @shape t N; out 2 · size × N
    /// @units t is the model's time, above 0
    /// @throws shape_error if the shapes do not fit
    void forward(std::span<const double> t, batch_view<S> out) const {
        detail::require_batch("fourier_embedding::forward", "output", out, 2 * size(), static_cast<isize>(t.size()));
        const isize sines = order == embedding_order::sin_cos ? 0 : size();
        const isize cosines = size() - sines;
        constexpr isize samples_per_task = 32, block = 64;
        parallel_for(out.columns(), samples_per_task, [&](isize first, isize last) {
            std::array<double, block> angles, cosine;
            for (isize n = first; n < last; ++n) {
                const S log_time = static_cast<S>(std::log(t[static_cast<std::size_t>(n)]));
                for (isize begin = 0; begin < size(); begin += block) {
                    const isize count = std::min(block, size() - begin);
                    for (isize i = 0; i < count; ++i) {
                        const S turns = log_time * weight[begin + i];
                        angles[static_cast<std::size_t>(i)] = static_cast<double>(2 * turns * std::numbers::pi_v<S>);
                    }
                    kernels::sincos(count, angles.data(), angles.data(), cosine.data());
                    for (isize i = 0; i < count; ++i) {
                        out(sines + begin + i, n) = static_cast<S>(angles[static_cast<std::size_t>(i)]);
                        out(cosines + begin + i, n) = static_cast<S>(cosine[static_cast<std::size_t>(i)]);
                    }
                }
            }
        });
    }

    template <class Self, class Visitor>
    static void visit(Self& self, Visitor&& visitor) {
        visitor("weight", self.weight);
    }
};

}  // namespace ddpm::nn
