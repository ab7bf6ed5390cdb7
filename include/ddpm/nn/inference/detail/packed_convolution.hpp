// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/nn/inference/detail/direct_convolution.hpp>
#include <ddpm/nn/inference/detail/packed_output.hpp>
#include <ddpm/nn/inference/detail/staged_input.hpp>
#include <ddpm/nn/inference/detail/winograd_convolution.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <variant>

namespace ddpm::nn::detail {

/// A convolution for inference whose weights are packed. The input is normalized and activated while it is read, a
/// second convolution of another input with kernel 1 (a shortcut) is added to the same sums, and bias and residual are
/// added before the results are stored. T is the type of maps and weights.
template <class T>
class packed_convolution {
public:
    packed_convolution() = default;

    /// Computes directly, or by Winograd's algorithm with winograd_outputs along a side of a tile (2 or 4, or 0 for
    /// direct): see winograd_outputs_for. With `up` the input is upsampled before: every pixel stands for four.
    explicit packed_convolution(const conv2d<float>& conv, const conv2d<float>* shortcut = nullptr, bool up = false,
                                isize winograd_outputs = 0)
        : outputs_(conv.outputs()), up_(up) {
        if constexpr (std::is_same_v<T, float>) {
            if (winograd_outputs == 4) {
                way_.template emplace<winograd_convolution<4>>(conv, shortcut);
                return;
            }
            if (winograd_outputs == 2) {
                way_.template emplace<winograd_convolution<2>>(conv, shortcut);
                return;
            }
        }
        DDPM_ASSERT(winograd_outputs == 0);
        way_.template emplace<direct_convolution<T>>(conv, shortcut, up);
    }

    /// Dense layers of the same input, applied to each pixel; their outputs are joined.
    explicit packed_convolution(std::initializer_list<const dense<float>*> layers)
        : way_(direct_convolution<T>(layers)) {
        for (const dense<float>* layer : layers) {
            outputs_ += layer->outputs();
        }
    }

    [[nodiscard]] isize outputs() const noexcept { return outputs_; }

    /// Of the packed weights.
    [[nodiscard]] std::size_t bytes() const noexcept {
        return std::visit([](const auto& way) { return way.bytes(); }, way_);
    }
    /// The number of products for a pixel of the output.
    [[nodiscard]] double pixel_products() const noexcept {
        return std::visit([](const auto& way) { return way.pixel_products(); }, way_);
    }
    [[nodiscard]] const char* algorithm() const noexcept {
        return std::visit([](const auto& way) { return way.algorithm(); }, way_);
    }
    /// Height or width of the output for that of the input.
    [[nodiscard]] isize output_size(isize size) const noexcept {
        const auto* const direct = std::get_if<direct_convolution<T>>(&way_);
        return direct != nullptr ? direct->output_size(size) : up_ ? 2 * size : size;
    }
    /// The phases of the map that it writes: see stored_map.
    [[nodiscard]] isize phases() const noexcept {
        const auto* const direct = std::get_if<direct_convolution<T>>(&way_);
        return direct != nullptr ? direct->phases() : 1;
    }

    /// out.map must have the size that this layer gives; shortcut is null if there is none.
    /// @determinism the bits of a sample depend on that sample only, on one instruction set
    template <class Out>
    void forward(packed_input<T> x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        if (const auto* const direct = std::get_if<direct_convolution<T>>(&way_)) {
            direct->forward(x, shortcut, out);
        } else if constexpr (std::is_same_v<T, float>) {
            x.upsampled = up_;
            if (const auto* const large = std::get_if<winograd_convolution<4>>(&way_)) {
                large->forward(x, shortcut, out);
            } else {
                std::get<winograd_convolution<2>>(way_).forward(x, shortcut, out);
            }
        }
    }

private:
    using ways =
        std::conditional_t<std::is_same_v<T, float>,
                           std::variant<direct_convolution<float>, winograd_convolution<2>, winograd_convolution<4>>,
                           std::variant<direct_convolution<T>>>;

    ways way_;
    isize outputs_ = 0;
    bool up_ = false;
};

}  // namespace ddpm::nn::detail
