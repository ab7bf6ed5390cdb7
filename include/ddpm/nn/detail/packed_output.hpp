// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/detail/panel_sums.hpp>
#include <ddpm/nn/detail/stored_map.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// Where the results of a convolution go: out = (sums + bias + added) · factor.
template <class T, class Out = T>
struct packed_output {
    stored_map<Out> map{};
    const float* bias = nullptr;  ///< null: the layer's own; else `bias_sample` apart for each sample; up to a whole
                                  ///< panel of 32 is read
    isize bias_sample = 0;
    const Out* added = nullptr;  ///< null, or a map like `map`
    float factor = 1;
};

/// Stores the sums of panel `panel` of a phase of the output, whose own bias is `bias`.
template <class T, class Out, class Store>
void store_panel(const panel_sums& sums, isize phase, isize panel, const float* bias, Store store,
                 const packed_output<T, Out>& out) {
    constexpr isize panel_outputs = kernels::detail::packed_outputs;
    const stored_map<Out>& map = out.map;
    const isize output = panel * panel_outputs, block_rows = stored_map<Out>::block_rows(sums.width);
    const isize scale = map.phases > 1 ? 2 : 1;
    for (isize image = 0; image < sums.images; ++image) {
        const isize n = sums.first_image + image;
        const float* const added_bias = out.bias == nullptr ? bias : out.bias + n * out.bias_sample + output;
        for (isize row = 0; row < sums.rows; row += block_rows) {
            const isize y = sums.first_row + row;
            const isize place = map.row(n, scale * y + phase / 2) - map.data + phase % 2 * map.channels + output;
            float* const moments =
                map.moments == nullptr ? nullptr : map.moments_of(n, phase, y / block_rows) + 2 * output;
            store({sums.data + (image * sums.image + row * sums.pitch) * panel_outputs,
                   std::min(block_rows, sums.rows - row), sums.pitch, sums.width,
                   std::min(panel_outputs, map.channels - output), added_bias,
                   out.added == nullptr ? nullptr : out.added + place, out.factor, map.data + place,
                   scale * map.channels, scale * map.width * map.channels, moments});
        }
    }
}

}  // namespace ddpm::nn::detail
