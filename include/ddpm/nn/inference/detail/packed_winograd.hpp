// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/detail/convolution_staging.hpp>
#include <ddpm/nn/detail/packed_output.hpp>
#include <ddpm/nn/detail/panel_sums.hpp>
#include <ddpm/nn/detail/staged_input.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>
#include <ddpm/nn/detail/stored_map.hpp>
#include <ddpm/nn/detail/winograd_convolution.hpp>
#include <ddpm/nn/inference/detail/direct_convolution.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// A packed_convolution by Winograd's algorithm, with the weights of the direct one, which has shifted rows: see
/// winograd_convolution.
template <isize Outputs, class T>
class packed_winograd {
public:
    explicit packed_winograd(const direct_convolution<T>& direct)
        : weights_(direct.weights()),
          staging_(direct.staging()),
          convolution_({weights_.panel(0), staging_.inputs(), weights_.outputs(),
                        weights_.segments() * staging_.chunk() * panel_outputs, staging_.chunk() * panel_outputs,
                        panel_outputs, staging_.chunk(), staging_.phase_taps() * staging_.chunk() * panel_outputs}) {}

    /// The number of products for a pixel of the output.
    [[nodiscard]] double pixel_products() const noexcept {
        return convolution_.pixel_products() + static_cast<double>(staging_.shortcut_inputs() * weights_.outputs());
    }
    [[nodiscard]] const char* algorithm() const noexcept { return convolution_.algorithm(); }

    /// See packed_convolution.
    template <class Out>
    void forward(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        const isize width = out.map.width;
        const auto store = kernels::detail::store_block_body<Out>();
        convolution_.run(
            {x.samples(), out.map.height, width, stored_map<Out>::block_rows(width)},
            [&](isize n, isize y, isize c, isize count, float* to) {
                read_row(x, n, x.upsampled ? y >> 1 : y, c, count, row_place<float>{to, count, 0, count});
            },
            [&](const panel_sums& of) {
                if (shortcut != nullptr) {
                    stage_shortcut(*shortcut, of);
                }
            },
            [&](const panel_sums& of, isize panel, float* sums) {
                if (shortcut != nullptr) {
                    multiply_shortcut(of, panel, sums);
                }
                return shortcut != nullptr;
            },
            [&](const panel_sums& sums, isize panel) {
                store_panel(sums, 0, panel, weights_.bias() + panel * panel_outputs, store, out);
            });
    }

private:
    static constexpr isize panel_outputs = kernels::detail::packed_outputs;

    struct pixels_tag {};  // for thread_scratch
    struct offsets_tag {};

    [[nodiscard]] static isize positions(const panel_sums& of) noexcept {
        return ddpm::detail::rounded_up(of.images * of.image, kernels::detail::packed_pixels);
    }

    /// The memory for the pixels of the shortcut: those of a chunk of channels after those of another.
    [[nodiscard]] float* shortcut_pixels(const panel_sums& of) const {
        return thread_scratch<pixels_tag, float>(
            (positions(of) * staging_.shortcut_chunks() + kernels::detail::packed_beyond) * staging_.chunk());
    }

    void stage_shortcut(const packed_input<T>& in, const panel_sums& of) const {
        const isize chunk = staging_.chunk(), chunks = staging_.shortcut_chunks(), inputs = staging_.shortcut_inputs();
        float* const pixels = shortcut_pixels(of);
        if (inputs % chunk != 0) {  // the channels that are missing in the last chunk
            std::fill_n(pixels + (chunks - 1) * positions(of) * chunk, positions(of) * chunk, 0.0f);
        }
        for (isize image = 0; image < of.images; ++image) {
            for (isize row = 0; row < of.rows; ++row) {
                const isize y = of.first_row + row;
                read_row(in, of.first_image + image, in.upsampled ? y >> 1 : y, 0, inputs,
                         row_place<float>{pixels + (image * of.image + row * of.pitch) * chunk, chunk,
                                          positions(of) * chunk, chunk});
            }
        }
    }

    void multiply_shortcut(const panel_sums& of, isize panel, float* sums) const {
        const isize chunk = staging_.chunk(), chunks = staging_.shortcut_chunks();
        isize* const offsets = staged_memory<offsets_tag, isize>(chunks);
        for (isize c = 0; c < chunks; ++c) {
            offsets[c] = c * positions(of) * chunk;
        }
        const isize first = staging_.place_of_shortcut(0).segment * chunk * panel_outputs;
        kernels::detail::packed_product_body<T>()({shortcut_pixels(of), chunk, offsets, chunks, chunk,
                                                   weights_.panel(panel) + first, sums, panel_outputs, positions(of)});
    }

    const packed_weights<T>& weights_;
    const convolution_staging<T>& staging_;
    winograd_convolution<Outputs, T> convolution_;
};

}  // namespace ddpm::nn::detail
