// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/nn/detail/packed_output.hpp>
#include <ddpm/nn/detail/staged_input.hpp>
#include <ddpm/nn/inference/detail/direct_convolution.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/inference/detail/packed_winograd.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <initializer_list>

namespace ddpm::nn::detail {

/// A convolution for inference whose weights are packed. The input is normalized and activated while it is read, a
/// second convolution of another input with kernel 1 (a shortcut) is added to the same sums, and bias and residual are
/// added before the results are stored. T is the type of maps and weights.
template <class T>
class packed_convolution {
public:
    packed_convolution() = default;

    /// Computes by Winograd's algorithm, with winograd_outputs (2 or 4) along a side of a tile, or directly if that is 0:
    /// see conv2d::winograd_outputs. With `up` the input is upsampled before: every pixel stands for four; then
    /// winograd_outputs must be 0 for bfloat16.
    explicit packed_convolution(const conv2d<float>& conv, const conv2d<float>* shortcut = nullptr, bool up = false,
                                isize winograd_outputs = 0)
        : direct_(conv, shortcut, up && winograd_outputs == 0),
          outputs_(conv.outputs()),
          winograd_outputs_(winograd_outputs),
          reads_upsampled_(up && winograd_outputs > 0) {
        DDPM_ASSERT(winograd_outputs == 0 ||
                    (conv.kernel() == 3 && conv.stride == 1 && conv.padding == conv_padding::symmetric &&
                     conv.inputs() % kernels::detail::winograd_channels == 0 && !(up && sizeof(T) == 2)));
    }

    /// Dense layers of the same input, applied to each pixel; their outputs are joined.
    explicit packed_convolution(std::initializer_list<const dense<float>*> layers) : direct_(layers) {
        for (const dense<float>* layer : layers) {
            outputs_ += layer->outputs();
        }
    }

    [[nodiscard]] isize outputs() const noexcept { return outputs_; }

    [[nodiscard]] const packed_weights<T>& weights() const noexcept { return direct_.weights(); }

    /// The number of products for a pixel of the output, on the active instruction set.
    [[nodiscard]] double pixel_products() const noexcept {
        return with_way([](const auto& way) { return way.pixel_products(); });
    }
    [[nodiscard]] const char* algorithm() const noexcept {
        return with_way([](const auto& way) { return way.algorithm(); });
    }
    /// Height or width of the output for that of the input.
    [[nodiscard]] isize output_size(isize size) const noexcept {
        return direct_.output_size(reads_upsampled_ ? 2 * size : size);
    }
    /// The phases of the map that it writes: see stored_map.
    [[nodiscard]] isize phases() const noexcept { return direct_.phases(); }

    /// out.map must have the size that this layer gives; shortcut is null if there is none.
    /// @determinism the bits of a sample depend on that sample only, on one instruction set
    template <class Out>
    void forward(packed_input<T> x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        x.upsampled = reads_upsampled_;
        with_way([&](const auto& way) { way.forward(x, shortcut, out); });
    }

private:
    /// Calls use(way) with the way in which this layer computes on the active instruction set. Instructions for pairs of
    /// bfloat16 are faster than Winograd's algorithm, which is for floats.
    template <class Use>
    auto with_way(const Use& use) const {
        const bool pairs = sizeof(T) == 2 && kernels::detail::takes_pairs();
        return winograd_outputs_ == 0 || pairs ? use(direct_)
               : winograd_outputs_ == 4        ? use(packed_winograd<4, T>(direct_))
                                               : use(packed_winograd<2, T>(direct_));
    }

    direct_convolution<T> direct_;
    isize outputs_ = 0;
    isize winograd_outputs_ = 0;
    bool reads_upsampled_ = false;  // whether the input is upsampled while it is read; else that is part of the weights
};

}  // namespace ddpm::nn::detail
