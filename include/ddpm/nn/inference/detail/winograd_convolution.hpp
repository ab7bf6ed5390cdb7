// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/kernels/detail/winograd_weights.hpp>
#include <ddpm/nn/inference/detail/packed_output.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/inference/detail/staged_input.hpp>
#include <ddpm/nn/inference/detail/stored_map.hpp>
#include <ddpm/nn/layers/conv2d.hpp>

#include <algorithm>
#include <cstddef>

namespace ddpm::nn::detail {

/// A 3 × 3 convolution of stride 1 for inference in float, by Winograd's F(Outputs × Outputs, 3 × 3): see
/// kernels/detail/winograd.hpp. Input, shortcut, bias and residual are as those of packed_convolution.
///
/// A task computes some rows of tiles of an image, or some small images: it transforms all their tiles, then for 32
/// outputs after another multiplies each place of the tiles with its weights and transforms the sums back.
template <isize Outputs>
class winograd_convolution {
public:
    explicit winograd_convolution(const conv2d<float>& conv, const conv2d<float>* shortcut)
        : inputs_(conv.inputs()),
          shortcut_inputs_(shortcut == nullptr ? 0 : shortcut->inputs()),
          weights_(conv.outputs(), places, inputs_),
          shortcut_(shortcut == nullptr ? 0 : conv.outputs(), 1, shortcut_inputs_) {
        for (isize o = 0; o < conv.outputs(); ++o) {
            for (isize i = 0; i < inputs_; ++i) {
                const auto transformed = kernels::detail::winograd_weights<Outputs>(
                    [&](isize tap) { return conv.weight[(tap * inputs_ + i) * conv.outputs() + o]; });
                for (isize q = 0; q < places; ++q) {
                    weights_.set(o, q, i, transformed[static_cast<std::size_t>(q)]);
                }
            }
            weights_.add_bias(o, conv.bias[o]);
        }
        if (shortcut != nullptr) {
            for (isize o = 0; o < conv.outputs(); ++o) {
                for (isize i = 0; i < shortcut_inputs_; ++i) {
                    shortcut_.set(o, 0, i, shortcut->weight[i * conv.outputs() + o]);
                }
                weights_.add_bias(o, shortcut->bias[o]);
            }
        }
    }

    [[nodiscard]] std::size_t bytes() const noexcept { return weights_.bytes() + shortcut_.bytes(); }

    /// The number of products for a pixel of the output.
    [[nodiscard]] double pixel_products() const noexcept {
        const double each = static_cast<double>(places) / (Outputs * Outputs);
        return (each * static_cast<double>(inputs_) + static_cast<double>(shortcut_inputs_)) *
               static_cast<double>(weights_.outputs());
    }

    [[nodiscard]] static const char* algorithm() noexcept {
        return Outputs == 4 ? "Winograd F(4x4, 3x3)" : "Winograd F(2x2, 3x3)";
    }

    /// As packed_convolution::forward.
    template <class Out>
    void forward(const packed_input<float>& x, const packed_input<float>* shortcut,
                 const packed_output<float, Out>& out) const {
        const isize height = out.map.height, width = out.map.width, samples = x.samples();
        const isize threads = ddpm::detail::inside_job() ? 1 : thread_count();
        const layout whole = task_layout(height, width, stored_map<Out>::block_rows(width), samples, threads);
        const isize parts = ddpm::detail::divided_up(height, whole.rows);
        const isize tasks = ddpm::detail::divided_up(samples, whole.images) * parts, panels = weights_.panels();
        // With few tasks for the threads the outputs are divided too, though each share then transforms all tiles.
        const isize shares = std::min(panels, ddpm::detail::divided_up(threads, tasks));
        const isize panels_each = ddpm::detail::divided_up(panels, shares);
        const auto store = kernels::detail::store_block_body<Out>();
        parallel_for(tasks * shares, 1, [&](isize begin, isize end) {
            for (isize at = begin; at < end; ++at) {
                const isize share = at % shares, task = at / shares;
                const isize first = task % parts * whole.rows, n = task / parts * whole.images;
                const layout of =
                    layout_of(std::min(whole.images, samples - n), std::min(whole.rows, height - first), width);
                float* const tiles = thread_scratch<tiles_tag, float>(of.tiles_length);
                transform(x, n, first, of, tiles);
                float* const pixels = thread_scratch<pixels_tag, float>(of.pixels_length);
                if (shortcut != nullptr) {
                    stage_shortcut(*shortcut, n, first, of, pixels);
                }
                const isize last = std::min(panels, (share + 1) * panels_each);
                for (isize panel = share * panels_each; panel < last; ++panel) {
                    const float* const sums = multiply(panel, of, tiles, shortcut == nullptr ? nullptr : pixels);
                    store_panel(panel_sums{sums, of.images, of.rows, of.width, of.image, of.pitch, n, first}, 0, panel,
                                weights_.bias() + panel * panel_outputs, store, out);
                }
            }
        });
    }

private:
    static constexpr isize side = kernels::detail::winograd_side<Outputs>, places = side * side;
    static constexpr isize panel_outputs = kernels::detail::packed_outputs;

    struct tiles_tag {};  // for thread_scratch
    struct rows_tag {};
    struct pixels_tag {};
    struct products_tag {};
    struct sums_tag {};

    /// The sizes of a task: some rows of one image, or all rows of some images.
    struct layout {
        isize images, rows, width;  // of the output
        isize down, across;         // tiles of an image
        isize tiles, tile;          // of all images; floats of a tile at one place
        isize place;                // floats of all tiles at one place
        isize tiles_length;
        isize products;      // floats of the products of all tiles at one place
        isize pitch, image;  // pixels of a row and of an image, in whole tiles
        isize positions;
        isize pixels_length;  // of the shortcut's input
    };
    [[nodiscard]] layout layout_of(isize images, isize rows, isize width) const noexcept {
        constexpr isize line = 16;  // floats: distances that are powers of two would compete for the same cache lines
        layout of{};
        of.images = images;
        of.rows = rows;
        of.width = width;
        of.down = ddpm::detail::divided_up(rows, Outputs);
        of.across = ddpm::detail::divided_up(width, Outputs);
        of.tiles = ddpm::detail::rounded_up(images * of.down * of.across, kernels::detail::packed_pixels);
        of.tile = inputs_ + line;
        of.place = of.tiles * of.tile + line;
        of.tiles_length = places * of.place + kernels::detail::packed_beyond * of.tile;
        of.products = of.tiles * panel_outputs + line;
        of.pitch = of.across * Outputs;
        of.image = of.down * Outputs * of.pitch;
        of.positions = ddpm::detail::rounded_up(images * of.image, kernels::detail::packed_pixels);
        of.pixels_length = (of.positions + kernels::detail::packed_beyond) * shortcut_.depth();
        return of;
    }

    /// The layout of all tasks but the last ones, which may have fewer rows or images. Results do not depend on it.
    [[nodiscard]] layout task_layout(isize height, isize width, isize block, isize samples, isize threads) const {
        // Enough tiles that weights are read for many; few enough that they fit the second-level cache.
        constexpr isize most_tiles = 64;
        const isize across = ddpm::detail::divided_up(width, Outputs), least = std::max(Outputs, block);
        isize rows = std::max<isize>(1, most_tiles / across) * Outputs;
        isize tasks = ddpm::detail::divided_up(height, rows);
        // The threads should have equal shares if there are few tasks.
        while (tasks * samples < 4 * threads && tasks * samples % threads != 0 && height / (tasks + 1) >= 2 * least) {
            ++tasks;
        }
        rows = ddpm::detail::rounded_up(ddpm::detail::divided_up(height, tasks), least);
        isize images = 1;
        if (rows >= height) {
            rows = height;
            const isize tiles = across * ddpm::detail::divided_up(height, Outputs);
            images = std::clamp<isize>(most_tiles / tiles, 1, ddpm::detail::divided_up(samples, threads));
        }
        return layout_of(images, rows, width);
    }

    /// Reads the input and transforms its tiles.
    void transform(const packed_input<float>& x, isize n, isize first, const layout& of, float* tiles) const {
        constexpr isize channels_at_once = 128;
        const isize most = std::min(inputs_, channels_at_once), length = of.pitch + 2;  // pixels of a row
        // Rows of the input with zeros around them: row y lies at y + 1 modulo `side`.
        float* const rows = thread_scratch<rows_tag, float>(side * length * most);
        for (isize c = 0; c < inputs_; c += most) {
            const isize count = std::min(most, inputs_ - c);
            std::fill_n(rows, side * length * count, 0.0f);
            for (isize image = 0; image < of.images; ++image) {
                for (isize down = 0; down < of.down; ++down) {
                    const isize top = first + down * Outputs - 1;
                    kernels::detail::winograd_input<Outputs> problem{};
                    for (isize row = 0; row < side; ++row) {
                        float* const to = rows + (top + row + 1) % side * length * count;
                        problem.rows[row] = to;
                        if (down == 0 || row >= 2) {  // the first two are the last of the tiles above
                            read_padded_row(x, n + image, top + row, c, count, to);
                        }
                    }
                    problem.pixel = problem.channels = count;
                    problem.tiles = of.across;
                    problem.to = tiles + (image * of.down + down) * of.across * of.tile + c;
                    problem.to_place = of.place;
                    problem.to_tile = of.tile;
                    DDPM_DISPATCH(transform_inputs<Outputs>)(problem);
                }
            }
        }
    }

    /// Reads `count` channels of row y, which may be outside of the image, after one pixel of zeros.
    static void read_padded_row(const packed_input<float>& x, isize n, isize y, isize c, isize count, float* to) {
        if (y >= 0 && y < x.height()) {
            const isize wanted = x.upsampled ? y >> 1 : y;
            read_row<float, float>(x, n, wanted, c, count, {to + count, count, 0, count});
        } else {
            std::fill_n(to + count, x.width() * count, 0.0f);
        }
    }

    void stage_shortcut(const packed_input<float>& in, isize n, isize first, const layout& of, float* pixels) const {
        const isize depth = shortcut_.depth();
        for (isize image = 0; image < of.images; ++image) {
            for (isize row = 0; row < of.rows; ++row) {
                const isize y = first + row, wanted = in.upsampled ? y >> 1 : y;
                float* const to = pixels + (image * of.image + row * of.pitch) * depth;
                if (depth > shortcut_inputs_) {
                    std::fill_n(to, of.width * depth, 0.0f);
                }
                read_row<float, float>(in, n + image, wanted, 0, shortcut_inputs_, {to, depth, 0, depth});
            }
        }
    }

    /// The sums of 32 outputs, at the positions of the layout. pixels is null without a shortcut.
    [[nodiscard]] const float* multiply(isize panel, const layout& of, const float* tiles, const float* pixels) const {
        constexpr isize beyond = kernels::detail::packed_beyond * panel_outputs, segment = 0;
        const auto product = kernels::detail::packed_product_body<float>();
        float* const products = thread_scratch<products_tag, float>(places * of.products + beyond);
        float* const sums = thread_scratch<sums_tag, float>(of.positions * panel_outputs + beyond);
        for (isize q = 0; q < places; ++q) {
            product({tiles + q * of.place, of.tile, &segment, 1, weights_.depth(),
                     weights_.panel(panel) + q * weights_.depth() * panel_outputs, products + q * of.products,
                     panel_outputs, of.tiles});
        }
        if (pixels != nullptr) {
            product({pixels, shortcut_.depth(), &segment, 1, shortcut_.depth(), shortcut_.panel(panel), sums,
                     panel_outputs, of.positions});
        }
        for (isize row = 0; row < of.images * of.down; ++row) {
            DDPM_DISPATCH(transform_outputs<Outputs>)
            ({products + row * of.across * panel_outputs, of.products, of.across,
              sums + row * Outputs * of.pitch * panel_outputs, of.pitch, pixels != nullptr});
        }
        return sums;
    }

    isize inputs_, shortcut_inputs_;
    packed_weights<float> weights_;   // a segment for each place of a tile
    packed_weights<float> shortcut_;  // empty if there is none
};

}  // namespace ddpm::nn::detail
