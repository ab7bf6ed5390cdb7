// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/error.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/dropout.hpp>
#include <ddpm/nn/detail/batch_arithmetic.hpp>
#include <ddpm/nn/detail/check.hpp>
#include <ddpm/random/noise.hpp>

#include <cmath>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace ddpm::nn {

/// The address of a dropout mask. Each layer of a network has its own Philox stream, noise_stream::dropout + 256 ·
/// layer; no other stream of the library has the same low byte, and users' streams are higher.
struct dropout_address {
    std::uint64_t seed = 0;
    isize step = 0;          ///< the training step
    isize first_sample = 0;  ///< index in the step of the batch's first sample
    isize layer = 0;         ///< 0 … most_layers − 1

    static constexpr isize most_layers = 256;
};

/// Inverted dropout: sets elements to 0 with probability `rate`, independently, and divides the others by 1 − rate,
/// which keeps the mean. The mask is not stored but generated from its address, so it does not depend on the batching.
/// For evaluation set the rate to 0.
/// @source Srivastava et al. 2014, JMLR 15; as torch.nn.Dropout
struct dropout {
    double rate = 0;

    /// y = x / (1 − rate) or 0.
    /// @shape x and y D × N; y may be x
    /// @throws shape_error if the shapes differ; value_error unless 0 ≤ rate < 1, and the layer, the step and the
    /// samples are in their ranges (steps and samples: [0, 2³²))
    /// @determinism an element's mask depends on its address only
    /// @accuracy the product of x and 1/(1 − rate), both rounded to S
    template <Scalar S>
    void forward(batch_view<const std::type_identity_t<S>> x, batch_view<S> y, const dropout_address& address) const {
        detail::require_batch("dropout::forward", "output", y, x.rows(), x.columns());
        apply<S>("dropout::forward", x, y, address);
    }

    /// dx = dy / (1 − rate) where forward kept the element at that address, else 0.
    /// @shape dy and dx D × N; dx may be dy
    /// @throws as forward
    /// @accuracy as forward
    template <Scalar S>
    void backward(batch_view<const std::type_identity_t<S>> dy, batch_view<S> dx,
                  const dropout_address& address) const {
        detail::require_batch("dropout::backward", "gradient of the input", dx, dy.rows(), dy.columns());
        apply<S>("dropout::backward", dy, dx, address);
    }

private:
    template <Scalar S>
    void apply(std::string_view where, batch_view<const S> from, batch_view<S> to,
               const dropout_address& address) const {
        detail::require(rate >= 0 && rate < 1, where, "rate", {"in [0, 1)"}, {rate});
        detail::require(address.layer >= 0 && address.layer < dropout_address::most_layers, where, "layer",
                        {"in [0, ", dropout_address::most_layers, ")"}, {address.layer});
        if (rate == 0) {
            detail::copy_columns<S>(from, to);
            return;
        }
        const std::uint32_t stream =
            static_cast<std::uint32_t>(noise_stream::dropout) + 256u * static_cast<std::uint32_t>(address.layer);
        const philox_noise noise(address.seed, static_cast<noise_stream>(stream));
        const double threshold = std::fmin(std::round(rate * 0x1p32), 0x1p32 - 1);
        kernels::detail::dropout<S>(noise.address(to.rows(), to.columns(), address.step, address.first_sample),
                                    static_cast<std::uint32_t>(threshold), static_cast<S>(1 / (1 - rate)), from, to);
    }
};

}  // namespace ddpm::nn
