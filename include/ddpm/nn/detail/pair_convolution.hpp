// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/pair_panels.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/detail/convolution_staging.hpp>
#include <ddpm/nn/detail/convolution_start.hpp>
#include <ddpm/nn/detail/packed_output.hpp>
#include <ddpm/nn/detail/pair_weight_gradient.hpp>
#include <ddpm/nn/detail/staged_input.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>
#include <ddpm/nn/detail/staged_products.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>
#include <ddpm/nn/products.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

// Convolutions in training whose factors are rounded to bfloat16 and multiplied as pairs: the weights are packed once for
// each pass. `Panels` packs and multiplies, as kernels::detail::native_panels.

/// The weights of one tap of a convolution as a left factor: row r and column k.
using tap_weights = kernels::detail::strided<float>;

/// Packs weights for the segments of a convolution without a shortcut, in the order of weight_panels. tap_of(tap, row, k)
/// is the part of a tap's weights that begins at output `row` and channel `k`.
/// @shape `to`: panels · staging.segments() · staging.chunk() · 32
template <class Panels, class Tap>
void pack_weights(const convolution_staging<bfloat16>& staging, isize outputs, const Tap& tap_of, bfloat16* to) {
    constexpr isize panel_outputs = kernels::detail::packed_outputs;
    const isize segments = staging.segments(), chunk = staging.chunk(), segment = chunk * panel_outputs;
    const isize panels = ddpm::detail::divided_up(outputs, panel_outputs);
    parallel_for(panels, 1, [&](isize begin, isize end) {
        for (isize panel = begin; panel < end; ++panel) {
            const isize row = panel * panel_outputs, rows = std::min(panel_outputs, outputs - row);
            bfloat16* const out = to + panel * segments * segment;
            if (staging.gathers_patches()) {  // a tap's channels follow those of the tap before
                Panels::pack_left(out, tap_of(0, row, 0), rows, staging.phase_taps() * staging.inputs());
                continue;
            }
            for (isize k = 0; k < staging.inputs(); k += chunk) {
                for (isize tap = 0; tap < staging.phase_taps(); ++tap) {
                    Panels::pack_left(out + staging.place_of(tap, k).segment * segment, tap_of(tap, row, k), rows,
                                      std::min(chunk, staging.inputs() - k));
                }
            }
        }
    });
}

/// y = start + the convolution of x with the weights that tap_of gives: see pack_weights.
template <class Panels, class Tap>
void convolve_pairs(const convolution_staging<bfloat16>& staging, const Tap& tap_of, const normalized_map<float>& x,
                    const feature_map<float>& y, const convolution_start<float>& start) {
    struct weights_tag {};  // for thread_scratch
    constexpr isize panel_outputs = kernels::detail::packed_outputs;
    const isize outputs = y.channels, panels = ddpm::detail::divided_up(outputs, panel_outputs);
    auto* const weights =
        staged_memory<weights_tag, bfloat16>(panels * staging.segments() * staging.chunk() * panel_outputs);
    pack_weights<Panels>(staging, outputs, tap_of, weights);
    const sample_biases<float> biases = biases_of(start, outputs, panels * panel_outputs, y.samples);
    const packed_output<float> out{.map = {y.data, outputs, y.height, y.width, y.samples},
                                   .bias = biases.data,
                                   .bias_sample = biases.sample,
                                   .added = start.add ? y.data : nullptr};
    const auto store = kernels::detail::store_block_body<float>();
    multiply_staged<bfloat16>(
        staging, weight_panels<bfloat16>{weights, panels, panels, staging.chunk()}, float_input{x},
        static_cast<const float_input*>(nullptr),
        {y.samples, y.height, y.width, stored_map<float>::block_rows(y.width)}, &Panels::multiply,
        [&](const panel_sums& sums, isize panel) { store_panel(sums, 0, panel, biases.data, store, out); });
}

/// See convolution_ways.
template <class Panels>
struct pair_convolution {
    static bool convolve(const convolution_kernel& kernel, const normalized_map<float>& x, const feature_map<float>& y,
                         const convolution_start<float>& start) {
        const auto tap_of = [&](isize tap, isize output, isize input) {
            return tap_weights{kernel.weights + (tap * kernel.inputs + input) * kernel.outputs + output, 1,
                               kernel.outputs};
        };
        convolve_pairs<Panels>({kernel.size, kernel.stride, kernel.before, kernel.inputs, 0, false}, tap_of, x, y,
                               start);
        return true;
    }

    /// The convolution of dy with the mirrored and transposed weights.
    static bool input_gradient(const convolution_kernel& kernel, const feature_map<const float>& dy,
                               const feature_map<float>& dx) {
        const convolution_staging<bfloat16> staging(kernel.size, 1, kernel.size - 1 - kernel.before, kernel.outputs, 0,
                                                    false);
        if (kernel.stride != 1 || 2 * kernel.before + 1 != kernel.size || staging.gathers_patches()) {
            return false;
        }
        const isize last = kernel.size * kernel.size - 1;
        const auto tap_of = [&](isize tap, isize input, isize output) {
            return tap_weights{kernel.weights + ((last - tap) * kernel.inputs + input) * kernel.outputs + output,
                               kernel.outputs, 1};
        };
        convolve_pairs<Panels>(staging, tap_of, dy, dx, {});
        return true;
    }

    static bool add_weight_gradient(const convolution_kernel& kernel, const normalized_map<float>& x,
                                    const feature_map<const float>& dy, float* d_weights) {
        add_weight_gradient_of_pairs<Panels>(kernel, x, dy, d_weights);
        return true;
    }

    static constexpr convolution_ways ways{&convolve, &input_gradient, &add_weight_gradient};
};

/// Those of this processor; null if it multiplies no pairs.
[[nodiscard]] constexpr const convolution_ways* pair_convolutions() noexcept {
#if defined(__x86_64__)
    return &pair_convolution<kernels::detail::native_panels>::ways;
#else
    return nullptr;
#endif
}

}  // namespace ddpm::nn::detail
