// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/linear_combination.hpp>
#include <ddpm/nn/detail/convolution.hpp>
#include <ddpm/nn/detail/winograd_convolution.hpp>
#include <ddpm/nn/memory/feature_map.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// Copies channels c … c + count − 1 of row y of image n to `to`, pixels `count` apart.
inline void copy_row(const feature_map<const float>& x, isize n, isize y, isize c, isize count, float* to) {
    const float* from = x.data + (n * x.height + y) * x.width * x.channels + c;
    if (count == x.channels) {
        std::copy_n(from, x.width * count, to);
        return;
    }
    for (isize p = 0; p < x.width; ++p) {
        std::copy_n(from + p * x.channels, count, to + p * count);
    }
}

template <isize Outputs>
void convolve_by_winograd(const float* weights, const feature_map<const float>& x, const feature_map<float>& y,
                          const convolution_start<float>& start) {
    struct bias_tag {};  // for thread_scratch
    constexpr isize panel_outputs = kernels::detail::packed_outputs;
    const isize inputs = x.channels, outputs = y.channels;
    // The bias of each sample, which is the same for all if there is no sample_bias.
    const isize biases = start.sample_bias.data() == nullptr ? 1 : y.samples;
    float* const bias = thread_scratch<bias_tag, float>(biases * outputs);
    for (isize n = 0; n < biases; ++n) {
        for (isize o = 0; o < outputs; ++o) {
            bias[n * outputs + o] = (start.bias == nullptr ? 0 : start.bias[o]) +
                                    (start.sample_bias.data() == nullptr ? 0 : start.sample_bias.column(n)[o]);
        }
    }
    const auto store = kernels::detail::store_block_body<float>();
    const winograd_convolution<Outputs, float> convolution(
        {weights, inputs, outputs, panel_outputs, inputs * outputs, outputs, inputs, 0});
    convolution.run(
        {y.samples, y.height, y.width},
        [&](isize n, isize row, isize c, isize count, float* to) { copy_row(x, n, row, c, count, to); },
        [](const panel_sums&) {}, [](const panel_sums&, isize, float*) { return false; },
        [&](const panel_sums& sums, isize panel) {
            for (isize image = 0; image < sums.images; ++image) {
                const isize n = sums.first_image + image;
                float* const to = y.data + (n * y.height + sums.first_row) * y.width * outputs + panel * panel_outputs;
                store({sums.data + image * sums.image * panel_outputs, sums.rows, sums.pitch, sums.width, panel_outputs,
                       bias + (biases > 1 ? n : 0) * outputs + panel * panel_outputs, start.add ? to : nullptr, 1, to,
                       outputs, y.width * outputs, nullptr});
            }
        });
}

/// y = start + W * x for a 3 × 3 convolution of stride 1, with `side` outputs (2 or 4) along a side of a tile; see
/// winograd_convolution.
/// @shape weights tap, input, output, the outputs fastest; x.channels a multiple of winograd_channels, y.channels of
///     packed_outputs
inline void convolve_by_winograd(isize side, const float* weights, const feature_map<const float>& x,
                                 const feature_map<float>& y, const convolution_start<float>& start) {
    if (side == 4) {
        convolve_by_winograd<4>(weights, x, y, start);
    } else {
        convolve_by_winograd<2>(weights, x, y, start);
    }
}

}  // namespace ddpm::nn::detail
