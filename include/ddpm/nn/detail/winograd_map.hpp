// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/batch_view.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/kernels/matrix_product.hpp>
#include <ddpm/nn/detail/convolution.hpp>
#include <ddpm/nn/detail/convolution_start.hpp>
#include <ddpm/nn/detail/staged_input.hpp>
#include <ddpm/nn/detail/winograd_convolution.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// Reads channels c … c + count − 1 of row y of image n to `to`, pixels `count` apart.
inline void read_row(const normalized_map<float>& input, isize n, isize y, isize c, isize count, float* to) {
    if (input.factors != nullptr) {
        read_row(float_input{input}, n, y, c, count, row_place<float>{to, count, 0, count});
        return;
    }
    const feature_map<const float>& x = input.map;
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
void convolve_by_winograd(const float* weights, const normalized_map<float>& x, const feature_map<float>& y,
                          const convolution_start<float>& start) {
    constexpr isize panel_outputs = kernels::detail::packed_outputs;
    const isize inputs = x.map.channels, outputs = y.channels;
    const sample_biases<float> bias = biases_of(start, outputs, outputs, y.samples);
    const auto store = kernels::detail::store_block_body<float>();
    const winograd_convolution<Outputs, float> convolution(
        {weights, inputs, outputs, panel_outputs, inputs * outputs, outputs, inputs, 0});
    convolution.run(
        {y.samples, y.height, y.width},
        [&](isize n, isize row, isize c, isize count, float* to) { read_row(x, n, row, c, count, to); },
        [](const panel_sums&) {}, [](const panel_sums&, isize, float*) { return false; },
        [&](const panel_sums& sums, isize panel) {
            for (isize image = 0; image < sums.images; ++image) {
                const isize n = sums.first_image + image;
                float* const to = y.data + (n * y.height + sums.first_row) * y.width * outputs + panel * panel_outputs;
                store({sums.data + image * sums.image * panel_outputs, sums.rows, sums.pitch, sums.width, panel_outputs,
                       bias.data + n * bias.sample + panel * panel_outputs, start.add ? to : nullptr, 1, to, outputs,
                       y.width * outputs, nullptr});
            }
        });
}

/// y = start + W * x for a 3 × 3 convolution of stride 1, with `side` outputs (2 or 4) along a side of a tile; see
/// winograd_convolution.
/// @shape weights tap, input, output, the outputs fastest; x.channels a multiple of winograd_channels, y.channels of
///     packed_outputs
inline void convolve_by_winograd(isize side, const float* weights, const normalized_map<float>& x,
                                 const feature_map<float>& y, const convolution_start<float>& start) {
    DDPM_ASSERT(x.map.channels % kernels::detail::winograd_channels == 0 &&
                y.channels % kernels::detail::packed_outputs == 0);
    if (side == 4) {
        convolve_by_winograd<4>(weights, x, y, start);
    } else {
        convolve_by_winograd<2>(weights, x, y, start);
    }
}

/// Reads row y of image n, whose first pixel is `before` pixels after `to`, with zeros around it up to `length` pixels;
/// only zeros if it is outside of the image.
inline void read_padded_row(const normalized_map<float>& x, isize n, isize y, isize before, isize length, float* to) {
    const isize channels = x.map.channels;
    if (y < 0 || y >= x.map.height) {
        std::fill_n(to, length * channels, 0.0f);
        return;
    }
    std::fill_n(to, before * channels, 0.0f);
    read_row(x, n, y, 0, channels, to + before * channels);
    const isize end = before + x.map.width;
    std::fill_n(to + end * channels, (length - end) * channels, 0.0f);
}

template <isize Outputs>
void add_weight_gradient_by_winograd(const normalized_map<float>& input, const feature_map<const float>& dy,
                                     float* d_weights) {
    const feature_map<const float>& x = input.map;
    struct rows_tag {};  // for thread_scratch
    struct tiles_tag {};
    struct gradient_tag {};
    constexpr isize side = kernels::detail::winograd_side<Outputs>, places = side * side;
    constexpr isize most_tiles = 256;  // of a block
    const isize inputs = x.channels, outputs = dy.channels, size = inputs * outputs;
    const isize down = divided_up(x.height, Outputs), across = divided_up(x.width, Outputs), rows = x.samples * down;
    if (rows == 0) {
        return;
    }
    const isize block_rows = std::max<isize>(1, most_tiles / across), block = block_rows * across;
    const isize x_place = block * inputs + winograd_gap, y_place = block * outputs + winograd_gap,
                place = size + winograd_gap;
    float* const x_tiles = thread_scratch<tiles_tag, float>(places * (x_place + y_place));
    float* const y_tiles = x_tiles + places * x_place;
    float* const gradient = thread_scratch<gradient_tag, float>(places * place);
    for (isize first = 0; first < rows; first += block_rows) {
        const isize count = std::min(block_rows, rows - first);
        parallel_for(count, 1, [&](isize begin, isize end) {
            const isize length = across * Outputs + 2;
            float* const padded = thread_scratch<rows_tag, float>(side * length * std::max(inputs, outputs));
            // Transforms the tiles of a row, which begins with row y of the map and `before` pixels around it.
            const auto transform_row = [&](auto problem, const normalized_map<float>& from, isize lines, isize n,
                                           isize y, isize before, float* to, isize to_place) {
                const isize channels = from.map.channels;
                for (isize row = 0; row < lines; ++row) {
                    float* const line = padded + row * length * channels;
                    read_padded_row(from, n, y + row - before, before, length, line);
                    problem.rows[row] = line;
                }
                problem.pixel = problem.channels = problem.to_tile = channels;
                problem.tiles = across;
                problem.to = to;
                problem.to_place = to_place;
                kernels::detail::transform(problem);
            };
            for (isize i = begin; i < end; ++i) {
                const isize n = (first + i) / down, y = (first + i) % down * Outputs;
                transform_row(kernels::detail::winograd_input<Outputs>{}, input, side, n, y, 1,
                              x_tiles + i * across * inputs, x_place);
                transform_row(kernels::detail::winograd_gradient<Outputs>{}, dy, Outputs, n, y, 0,
                              y_tiles + i * across * outputs, y_place);
            }
        });
        // The sums over the tiles of the block, for each place of a tile and some inputs.
        const isize wide = std::min<isize>(inputs, 64), parts = divided_up(inputs, wide), tiles = count * across;
        parallel_for(places * parts, 1, [&](isize begin, isize end) {
            for (isize task = begin; task < end; ++task) {
                const isize q = task / parts, c = task % parts * wide, some = std::min(wide, inputs - c);
                kernels::matrix_product<float>({y_tiles + q * y_place, outputs, tiles, 1, outputs},
                                               {x_tiles + q * x_place + c, tiles, some, inputs, 1},
                                               batch_view<float>(gradient + q * place + c * outputs, outputs, some),
                                               {.accumulate = first > 0});
            }
        });
    }
    constexpr isize grain = 16;
    parallel_for(inputs, grain, [&](isize begin, isize end) {
        kernels::detail::transform(kernels::detail::winograd_filter_gradient<Outputs>{
            gradient + begin * outputs, place, (end - begin) * outputs, d_weights + begin * outputs, size});
    });
}

/// d_weights += the gradient of the weights of convolve_by_winograd.
/// @shape d_weights tap, input, output, the outputs fastest; all channels multiples of winograd_channels
inline void add_weight_gradient_by_winograd(isize side, const normalized_map<float>& x,
                                            const feature_map<const float>& dy, float* d_weights) {
    DDPM_ASSERT(x.map.channels % kernels::detail::winograd_channels == 0 &&
                dy.channels % kernels::detail::winograd_channels == 0);
    if (side == 4) {
        add_weight_gradient_by_winograd<4>(x, dy, d_weights);
    } else {
        add_weight_gradient_by_winograd<2>(x, dy, d_weights);
    }
}

}  // namespace ddpm::nn::detail
