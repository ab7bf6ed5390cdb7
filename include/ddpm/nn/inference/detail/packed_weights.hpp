// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/nn/detail/staged_products.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <cstddef>
#include <type_traits>
#include <vector>

namespace ddpm::nn::detail {

/// The weights of a layer in the order in which products read them: panels of 32 outputs; in each the segments, k, and
/// the outputs; pairs of k lie together if W is bfloat16. Missing outputs and k are zeros. The order is the same for
/// all instruction sets.
template <class W>
class packed_weights {
public:
    static constexpr isize panel_outputs = kernels::detail::packed_outputs;

    packed_weights() noexcept = default;

    /// Zeros.
    packed_weights(isize outputs, isize segments, isize inputs)
        : outputs_(outputs),
          segments_(segments),
          depth_(ddpm::detail::rounded_up(inputs, kernels::detail::packed_depth<W>)),
          values_(static_cast<std::size_t>(panels() * panel_size())),
          bias_(static_cast<std::size_t>(panels() * panel_outputs)) {}

    [[nodiscard]] isize outputs() const noexcept { return outputs_; }
    [[nodiscard]] isize segments() const noexcept { return segments_; }
    [[nodiscard]] isize depth() const noexcept { return depth_; }
    [[nodiscard]] isize panels() const noexcept { return ddpm::detail::divided_up(outputs_, panel_outputs); }

    /// The weights of outputs 32 · index to 32 · index + 31.
    [[nodiscard]] const W* panel(isize index) const noexcept { return values_.data() + index * panel_size(); }

    /// All panels, of which `phase_panels` belong to each phase of a convolution.
    [[nodiscard]] weight_panels<W> panels_of(isize phase_panels) const noexcept {
        return {values_.data(), panels(), phase_panels, depth_};
    }

    /// One float for each output, and zeros up to a whole panel.
    [[nodiscard]] const float* bias() const noexcept { return bias_.data(); }

    /// The place of output `output` and k in panels of `depth`, which is that of all segments together.
    [[nodiscard]] static isize place_of(isize output, isize k, isize depth) noexcept {
        constexpr isize step = kernels::detail::packed_step<W>;
        return output / panel_outputs * panel_outputs * depth +
               (k / step * panel_outputs + output % panel_outputs) * step + k % step;
    }

    void set(isize output, isize segment, isize k, float value) {
        W& place = values_[static_cast<std::size_t>(place_of(output, segment * depth_ + k, segments_ * depth_))];
        if constexpr (std::is_same_v<W, bfloat16>) {
            place = to_bfloat16(value);
        } else {
            place = value;
        }
    }

    /// Sets the weights and biases of outputs first, first + 1, … to those of a dense layer.
    void set_dense(isize first, const dense<float>& layer) {
        for (isize o = 0; o < layer.outputs(); ++o) {
            for (isize i = 0; i < layer.inputs(); ++i) {
                set(first + o, 0, i, layer.weight[i * layer.outputs() + o]);
            }
            add_bias(first + o, layer.bias[o]);
        }
    }

    void add_bias(isize output, float value) { bias_[static_cast<std::size_t>(output)] += value; }

    [[nodiscard]] std::size_t bytes() const noexcept {
        return values_.size() * sizeof(W) + bias_.size() * sizeof(float);
    }

private:
    [[nodiscard]] isize panel_size() const noexcept { return segments_ * depth_ * panel_outputs; }

    isize outputs_ = 0, segments_ = 0, depth_ = 0;
    std::vector<W, aligned_allocator<W>> values_;
    std::vector<float, aligned_allocator<float>> bias_;
};

}  // namespace ddpm::nn::detail
