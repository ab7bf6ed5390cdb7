// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/nn/inference/detail/convolution_staging.hpp>
#include <ddpm/nn/inference/detail/packed_output.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/inference/detail/staged_input.hpp>
#include <ddpm/nn/inference/detail/stored_map.hpp>

#include <algorithm>
#include <cstddef>

namespace ddpm::nn::detail {

/// A packed_convolution by Winograd's F(Outputs × Outputs, 3 × 3): see kernels/detail/winograd.hpp. The convolution has a
/// 3 × 3 kernel and stride 1; its weights are those of the direct one, in shifted rows. Everything is float.
///
/// A task computes some rows of tiles of an image, or some small images. It transforms all their tiles; then, for 32
/// outputs after another, transforms their kernels, multiplies each place of the tiles with them, and transforms the sums
/// back. So the weights need no more memory than those of a direct convolution, at the price of a transform for every
/// task, which takes about one operation for every 15 of the products.
template <isize Outputs, class T>
class winograd_convolution {
public:
    winograd_convolution(const packed_weights<T>& weights, const convolution_staging<T>& staging)
        : weights_(weights), staging_(staging) {}

    /// The number of products for a pixel of the output.
    [[nodiscard]] double pixel_products() const noexcept {
        const double each = static_cast<double>(places) / (Outputs * Outputs);
        return (each * static_cast<double>(staging_.inputs()) + static_cast<double>(staging_.shortcut_inputs())) *
               static_cast<double>(weights_.outputs());
    }

    [[nodiscard]] static const char* algorithm() noexcept {
        return Outputs == 4 ? "Winograd F(4x4, 3x3)" : "Winograd F(2x2, 3x3)";
    }

    /// As packed_convolution::forward.
    template <class Out>
    void forward(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
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
    struct filters_tag {};
    struct products_tag {};
    struct offsets_tag {};
    struct sums_tag {};

    /// The sizes of a task: some rows of one image, or all rows of some images.
    struct layout {
        isize images, rows, width;  // of the output
        isize down, across;         // tiles of an image
        isize tiles, tile;          // of all images; floats of a tile at one place
        isize place;                // floats of all tiles at one place
        isize tiles_length;
        isize products;       // floats of the products of all tiles at one place
        isize pitch, image;   // pixels of a row and of an image, in whole tiles
        isize positions;      // pixels of all images
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
        of.tile = staging_.inputs() + line;
        of.place = of.tiles * of.tile + line;
        of.tiles_length = places * of.place + kernels::detail::packed_beyond * of.tile;
        of.products = of.tiles * panel_outputs + line;
        of.pitch = of.across * Outputs;
        of.image = of.down * Outputs * of.pitch;
        of.positions = ddpm::detail::rounded_up(images * of.image, kernels::detail::packed_pixels);
        of.pixels_length =
            (of.positions * staging_.shortcut_chunks() + kernels::detail::packed_beyond) * staging_.chunk();
        return of;
    }

    /// The layout of all tasks but the last ones, which may have fewer rows or images. Results do not depend on it.
    [[nodiscard]] layout task_layout(isize height, isize width, isize block, isize samples, isize threads) const {
        // Enough tiles that transformed kernels are used for many; few enough for the second-level cache.
        constexpr isize most_tiles = 64, least_tiles = 16;
        const isize across = ddpm::detail::divided_up(width, Outputs), least = std::max(Outputs, block);
        isize rows = std::max<isize>(1, most_tiles / across) * Outputs;
        isize tasks = ddpm::detail::divided_up(height, rows);
        // The threads should have equal shares if there are few tasks.
        while (tasks * samples < 4 * threads && tasks * samples % threads != 0 &&
               height / (tasks + 1) / Outputs * across >= least_tiles) {
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
    void transform(const packed_input<T>& x, isize n, isize first, const layout& of, float* tiles) const {
        constexpr isize channels_at_once = 128;
        const isize inputs = staging_.inputs(), most = std::min(inputs, channels_at_once);
        const isize length = of.pitch + 2;  // pixels of a row
        // Rows of the input with zeros around them: row y lies at y + 1 modulo `side`.
        float* const rows = thread_scratch<rows_tag, float>(side * length * most);
        for (isize c = 0; c < inputs; c += most) {
            const isize count = std::min(most, inputs - c);
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
    static void read_padded_row(const packed_input<T>& x, isize n, isize y, isize c, isize count, float* to) {
        if (y >= 0 && y < x.height()) {
            const isize wanted = x.upsampled ? y >> 1 : y;
            read_row<float, T>(x, n, wanted, c, count, {to + count, count, 0, count});
        } else {
            std::fill_n(to + count, x.width() * count, 0.0f);
        }
    }

    /// The pixels of a chunk of channels after those of another.
    void stage_shortcut(const packed_input<T>& in, isize n, isize first, const layout& of, float* pixels) const {
        const isize chunk = staging_.chunk(), inputs = staging_.shortcut_inputs();
        if (inputs % chunk != 0) {  // the channels that are missing in the last chunk
            const isize last = staging_.shortcut_chunks() - 1;
            std::fill_n(pixels + last * of.positions * chunk, of.positions * chunk, 0.0f);
        }
        for (isize image = 0; image < of.images; ++image) {
            for (isize row = 0; row < of.rows; ++row) {
                const isize y = first + row, wanted = in.upsampled ? y >> 1 : y;
                read_row<float, T>(
                    in, n + image, wanted, 0, inputs,
                    {pixels + (image * of.image + row * of.pitch) * chunk, chunk, of.positions * chunk, chunk});
            }
        }
    }

    /// The sums of 32 outputs, at the positions of the layout. pixels is null without a shortcut.
    [[nodiscard]] const float* multiply(isize panel, const layout& of, const float* tiles, const float* pixels) const {
        constexpr isize beyond = kernels::detail::packed_beyond * panel_outputs, segment = 0, line = 16;
        const isize inputs = staging_.inputs(), chunk = staging_.chunk(), filter = inputs * panel_outputs + line;
        float* const filters = thread_scratch<filters_tag, float>(side * filter);
        float* const products = thread_scratch<products_tag, float>(places * of.products + beyond);
        const auto product = kernels::detail::packed_product_body<float>();
        for (isize row = 0; row < side; ++row) {
            transform_filters(panel, row, filter, filters);
            for (isize column = 0; column < side; ++column) {
                const isize q = row * side + column;
                product({tiles + q * of.place, of.tile, &segment, 1, inputs, filters + column * filter,
                         products + q * of.products, panel_outputs, of.tiles});
            }
        }
        float* const sums = thread_scratch<sums_tag, float>(of.positions * panel_outputs + beyond);
        if (pixels != nullptr) {
            isize* const offsets = staged_memory<offsets_tag, isize>(staging_.shortcut_chunks());
            for (isize c = 0; c < staging_.shortcut_chunks(); ++c) {
                offsets[c] = c * of.positions * chunk;
            }
            kernels::detail::packed_product_body<T>()(
                {pixels, chunk, offsets, staging_.shortcut_chunks(), chunk,
                 weights_.panel(panel) + staging_.place_of_shortcut(0).segment * chunk * panel_outputs, sums,
                 panel_outputs, of.positions});
        }
        for (isize row = 0; row < of.images * of.down; ++row) {
            DDPM_DISPATCH(transform_outputs<Outputs>)
            ({products + row * of.across * panel_outputs, of.products, of.across,
              sums + row * Outputs * of.pitch * panel_outputs, of.pitch, pixels != nullptr});
        }
        return sums;
    }

    /// A row of the transformed kernels of a panel, each of its places `filter` floats after the one before.
    void transform_filters(isize panel, isize row, isize filter, float* to) const {
        constexpr auto rows = kernels::detail::winograd_filter_rows<Outputs>();
        const isize inputs = staging_.inputs(), chunk = staging_.chunk();
        for (isize c = 0; c < inputs; c += chunk) {
            kernels::detail::winograd_filter<Outputs, T> problem{};
            std::copy_n(rows.row[row], 3, problem.row);
            problem.weights = weights_.panel(panel) + staging_.place_of(0, c).segment * chunk * panel_outputs;
            problem.tap = chunk * panel_outputs;
            problem.depth = std::min(chunk, inputs - c);
            problem.to = to + c * panel_outputs;
            problem.to_place = filter;
            DDPM_DISPATCH(transform_filters<Outputs, T>)(problem);
        }
    }

    const packed_weights<T>& weights_;
    const convolution_staging<T>& staging_;
};

}  // namespace ddpm::nn::detail
