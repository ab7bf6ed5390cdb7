// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/aligned_allocator.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>

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

    /// One float for each output, and zeros up to a whole panel.
    [[nodiscard]] const float* bias() const noexcept { return bias_.data(); }

    void set(isize output, isize segment, isize k, float value) {
        constexpr isize step = kernels::detail::packed_step<W>;
        const isize row = (segment * depth_ + k) / step;
        W& place = values_[static_cast<std::size_t>(output / panel_outputs * panel_size() +
                                                    (row * panel_outputs + output % panel_outputs) * step + k % step)];
        if constexpr (std::is_same_v<W, bfloat16>) {
            place = to_bfloat16(value);
        } else {
            place = value;
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
