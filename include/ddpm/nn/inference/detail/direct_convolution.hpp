// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/detail/convolution_staging.hpp>
#include <ddpm/nn/detail/packed_output.hpp>
#include <ddpm/nn/detail/panel_sums.hpp>
#include <ddpm/nn/detail/staged_input.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>
#include <ddpm/nn/detail/staged_products.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

namespace ddpm::nn::detail {

/// A packed_convolution by products of the pixels that each tap of the kernel reads: see multiply_staged.
template <class T>
class direct_convolution {
public:
    direct_convolution() = default;

    /// See packed_convolution.
    explicit direct_convolution(const conv2d<float>& conv, const conv2d<float>* shortcut = nullptr, bool up = false)
        : staging_(conv.kernel(), conv.stride, conv.padding == conv_padding::symmetric ? conv.kernel() / 2 : 0,
                   conv.inputs(), shortcut == nullptr ? 0 : shortcut->inputs(), up),
          outputs_(conv.outputs()),
          weights_(staging_.phases() * phase_panels() * panel_outputs, staging_.segments(), staging_.chunk()) {
        DDPM_ASSERT(!up || (shortcut == nullptr && conv.stride == 1 && conv.padding == conv_padding::symmetric));
        for (isize phase = 0; phase < staging_.phases(); ++phase) {
            for (isize o = 0; o < outputs_; ++o) {
                set_weights(conv, phase, o);
                const isize row = phase * phase_panels() * panel_outputs + o;
                weights_.add_bias(row, conv.bias[o]);
                for (isize i = 0; shortcut != nullptr && i < shortcut->inputs(); ++i) {
                    const auto at = staging_.place_of_shortcut(i);
                    weights_.set(row, at.segment, at.k, shortcut->weight[i * outputs_ + o]);
                }
                weights_.add_bias(row, shortcut == nullptr ? 0 : shortcut->bias[o]);
            }
        }
    }

    /// Dense layers of the same input, applied to each pixel; their outputs are joined.
    explicit direct_convolution(std::initializer_list<const dense<float>*> layers)
        : staging_(1, 1, 0, (*layers.begin())->inputs(), 0, false) {
        for (const dense<float>* layer : layers) {
            outputs_ += layer->outputs();
        }
        weights_ = packed_weights<T>(outputs_, staging_.segments(), staging_.chunk());
        isize first = 0;
        for (const dense<float>* layer : layers) {
            weights_.set_dense(first, *layer);
            first += layer->outputs();
        }
    }

    [[nodiscard]] const packed_weights<T>& weights() const noexcept { return weights_; }
    [[nodiscard]] const convolution_staging<T>& staging() const noexcept { return staging_; }

    /// The number of products for a pixel of the output.
    [[nodiscard]] double pixel_products() const noexcept {
        return static_cast<double>(weights_.segments() * weights_.depth() * outputs_);
    }

    [[nodiscard]] const char* algorithm() const noexcept { return staging_.algorithm(); }
    /// See packed_convolution.
    [[nodiscard]] isize output_size(isize size) const noexcept { return staging_.output_size(size); }
    [[nodiscard]] isize phases() const noexcept { return staging_.phases(); }

    /// See packed_convolution.
    template <class Out>
    void forward(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        with_product_input<T>([&]<class X>(X) { forward_as<X>(x, shortcut, out); });
    }

private:
    static constexpr isize panel_outputs = kernels::detail::packed_outputs;

    /// The panels of a phase.
    [[nodiscard]] isize phase_panels() const noexcept { return ddpm::detail::divided_up(outputs_, panel_outputs); }

    /// Sets the weights of an output of a phase: sums of those of the kernel's taps that are one tap of the phase.
    void set_weights(const conv2d<float>& conv, isize phase, isize output) {
        const isize inputs = conv.inputs(), taps = conv.kernel() * conv.kernel();
        std::vector<float> sums(static_cast<std::size_t>(staging_.phase_taps()));
        for (isize i = 0; i < inputs; ++i) {
            std::fill(sums.begin(), sums.end(), 0.0f);
            for (isize tap = 0; tap < taps; ++tap) {
                sums[static_cast<std::size_t>(staging_.phase_tap(phase, tap))] +=
                    conv.weight[(tap * inputs + i) * outputs_ + output];
            }
            for (isize tap = 0; tap < staging_.phase_taps(); ++tap) {
                const auto at = staging_.place_of(tap, i);
                weights_.set(phase * phase_panels() * panel_outputs + output, at.segment, at.k,
                             sums[static_cast<std::size_t>(tap)]);
            }
        }
    }

    template <class X, class Out>
    void forward_as(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        const isize width = out.map.phase_width();
        const auto store = kernels::detail::store_block_body<Out>();
        multiply_staged<X>(staging_, weights_.panels_of(phase_panels()), x, shortcut,
                           {x.samples(), out.map.phase_height(), width, stored_map<Out>::block_rows(width)},
                           kernels::detail::packed_product_body<T>(), [&](const panel_sums& sums, isize panel) {
                               store_panel(sums, panel / phase_panels(), panel % phase_panels(),
                                           weights_.bias() + panel * panel_outputs, store, out);
                           });
    }

    convolution_staging<T> staging_;
    isize outputs_ = 0;
    packed_weights<T> weights_;  // of the panels of a phase after another
};

}  // namespace ddpm::nn::detail
