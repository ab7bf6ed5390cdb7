// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/winograd.hpp>
#include <ddpm/nn/detail/panel_sums.hpp>

#include <algorithm>

namespace ddpm::nn::detail {

/// The kernels of a 3 × 3 convolution: weight of output o and input i of a tap at panel · (o / 32) + chunk · (i / inputs
/// of a chunk) + tap · (the tap) + input · (i in the chunk) + o % 32; with pairs of inputs if W is bfloat16, see
/// packed_problem.
template <class W>
struct winograd_kernels {
    const W* weights;
    isize inputs, outputs;
    isize panel, tap, input;
    isize chunk_inputs, chunk;
};

/// Floats between places: distances that are powers of two would compete for the same cache lines.
inline constexpr isize winograd_gap = 16;

/// A convolution of stride 1 with a 3 × 3 kernel and a row and a column of zeros on each side, by Winograd's
/// F(Outputs × Outputs, 3 × 3): see kernels/detail/winograd.hpp. Everything but the kernels is float.
///
/// A task computes some rows of tiles of an image, or some small images. It transforms all their tiles; then, for 32
/// outputs after another, transforms their kernels, multiplies each place of the tiles with them, and transforms the sums
/// back. So the kernels need no memory for their transforms, which for 64 tiles take about one operation for every 15 of
/// the products.
template <isize Outputs, class W>
class winograd_convolution {
public:
    explicit winograd_convolution(const winograd_kernels<W>& kernels) : kernels_(kernels) {}

    /// The number of products for a pixel of the output.
    [[nodiscard]] double pixel_products() const noexcept {
        return static_cast<double>(places * kernels_.inputs * kernels_.outputs) / (Outputs * Outputs);
    }

    [[nodiscard]] static const char* algorithm() noexcept {
        return Outputs == 4 ? "Winograd F(4x4, 3x3)" : "Winograd F(2x2, 3x3)";
    }

    /// Images of the output.
    struct shape {
        isize samples, height, width;
        isize block_rows = 1;  ///< a task has a multiple of so many rows, a power of two, or all
    };

    /// Calls, for each task on one thread,
    /// - read(n, y, c, count, to) for channels c … c + count − 1 of row y of image n, pixels `count` apart at `to`
    /// - begin(where) once, with a panel_sums whose data is null, and then for each panel
    /// - add(where, panel, sums), which may write to sums, positions as in panel_sums, and returns whether it did: results
    ///   are then added
    /// - store(result, panel) with a panel_sums.
    /// @determinism the sums of an image depend on that image only, on one instruction set
    template <class Read, class Begin, class Add, class Store>
    void run(const shape& of, const Read& read, const Begin& begin, const Add& add, const Store& store) const {
        if (of.samples == 0) {
            return;
        }
        const isize threads = ddpm::detail::inside_job() ? 1 : thread_count();
        const layout whole = task_layout(of, threads);
        const isize parts = ddpm::detail::divided_up(of.height, whole.rows);
        const isize tasks = ddpm::detail::divided_up(of.samples, whole.images) * parts;
        const isize panels = ddpm::detail::divided_up(kernels_.outputs, panel_outputs);
        // With few tasks for the threads the outputs are divided too, though each share then transforms all tiles.
        const isize panels_each =
            ddpm::detail::divided_up(panels, std::min(panels, ddpm::detail::divided_up(threads, tasks)));
        const isize shares = ddpm::detail::divided_up(panels, panels_each);
        parallel_for(tasks * shares, 1, [&](isize first_task, isize last_task) {
            for (isize at = first_task; at < last_task; ++at) {
                const isize share = at % shares, task = at / shares;
                const isize row = task % parts * whole.rows, n = task / parts * whole.images;
                const layout part =
                    layout_of(std::min(whole.images, of.samples - n), std::min(whole.rows, of.height - row), of.width);
                float* const tiles = thread_scratch<tiles_tag, float>(part.tiles_length);
                transform(of, n, row, part, read, tiles);
                panel_sums where{nullptr, part.images, part.rows, part.width, part.image, part.pitch, n, row};
                begin(where);
                float* const sums = thread_scratch<sums_tag, float>(
                    (part.images * part.image + kernels::detail::packed_beyond) * panel_outputs);
                where.data = sums;
                const isize last = std::min(panels, (share + 1) * panels_each);
                for (isize panel = share * panels_each; panel < last; ++panel) {
                    multiply(panel, part, tiles, add(where, panel, sums), sums);
                    store(where, panel);
                }
            }
        });
    }

private:
    static constexpr isize side = kernels::detail::winograd_side<Outputs>, places = side * side;
    static constexpr isize panel_outputs = kernels::detail::packed_outputs;

    struct tiles_tag {};  // for thread_scratch
    struct rows_tag {};
    struct filters_tag {};
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
    };
    [[nodiscard]] layout layout_of(isize images, isize rows, isize width) const noexcept {
        layout of{};
        of.images = images;
        of.rows = rows;
        of.width = width;
        of.down = ddpm::detail::divided_up(rows, Outputs);
        of.across = ddpm::detail::divided_up(width, Outputs);
        of.tiles = ddpm::detail::rounded_up(images * of.down * of.across, kernels::detail::packed_pixels);
        of.tile = kernels_.inputs + winograd_gap;
        of.place = of.tiles * of.tile + winograd_gap;
        of.tiles_length = places * of.place + kernels::detail::packed_beyond * of.tile;
        of.products = of.tiles * panel_outputs + winograd_gap;
        of.pitch = of.across * Outputs;
        of.image = of.down * Outputs * of.pitch;
        return of;
    }

    /// The layout of all tasks but the last ones, which may have fewer rows or images. Results do not depend on it.
    [[nodiscard]] layout task_layout(const shape& of, isize threads) const {
        // Enough tiles that transformed kernels are used for many; few enough that those of maps with up to 128 channels
        // fit the second-level cache.
        constexpr isize most_tiles = 64, least_tiles = 16;
        const isize across = ddpm::detail::divided_up(of.width, Outputs), least = std::max(Outputs, of.block_rows);
        isize rows = std::max<isize>(1, most_tiles / across) * Outputs;
        isize tasks = ddpm::detail::divided_up(of.height, rows);
        // The threads should have equal shares if there are few tasks.
        while (tasks * of.samples < 4 * threads && tasks * of.samples % threads != 0 &&
               of.height / (tasks + 1) / Outputs * across >= least_tiles) {
            ++tasks;
        }
        rows = ddpm::detail::rounded_up(ddpm::detail::divided_up(of.height, tasks), least);
        isize images = 1;
        if (rows >= of.height) {
            rows = of.height;
            const isize tiles = across * ddpm::detail::divided_up(of.height, Outputs);
            images = std::clamp<isize>(most_tiles / tiles, 1, ddpm::detail::divided_up(of.samples, threads));
        }
        return layout_of(images, rows, of.width);
    }

    /// Reads the input and transforms its tiles.
    template <class Read>
    void transform(const shape& image, isize n, isize first, const layout& of, const Read& read, float* tiles) const {
        constexpr isize channels_at_once = 128;
        const isize inputs = kernels_.inputs, most = std::min(inputs, channels_at_once);
        const isize length = of.pitch + 2;  // pixels of a row
        // Rows of the input with zeros around them: row y lies at y + 1 modulo `side`.
        float* const rows = thread_scratch<rows_tag, float>(side * length * most);
        for (isize c = 0; c < inputs; c += most) {
            const isize count = std::min(most, inputs - c);
            std::fill_n(rows, side * length * count, 0.0f);
            for (isize i = 0; i < of.images; ++i) {
                for (isize down = 0; down < of.down; ++down) {
                    kernels::detail::winograd_input<Outputs> problem{};
                    for (isize row = 0; row < side; ++row) {
                        const isize y = first + down * Outputs + row - 1;
                        float* const to = rows + (y + 1) % side * length * count;
                        problem.rows[row] = to;
                        if (down > 0 && row < 2) {
                            continue;  // a row of the tiles above
                        }
                        if (y >= 0 && y < image.height) {
                            read(n + i, y, c, count, to + count);
                        } else {
                            std::fill_n(to + count, image.width * count, 0.0f);
                        }
                    }
                    problem.pixel = problem.channels = count;
                    problem.tiles = of.across;
                    problem.to = tiles + (i * of.down + down) * of.across * of.tile + c;
                    problem.to_place = of.place;
                    problem.to_tile = of.tile;
                    kernels::detail::transform(problem);
                }
            }
        }
    }

    /// Writes the sums of 32 outputs, or adds them.
    void multiply(isize panel, const layout& of, const float* tiles, bool add, float* sums) const {
        const isize inputs = kernels_.inputs, filter = inputs * panel_outputs + winograd_gap, segment = 0;
        float* const filters = thread_scratch<filters_tag, float>(side * filter);
        float* const products =
            thread_scratch<products_tag, float>(places * of.products + kernels::detail::packed_beyond * panel_outputs);
        const auto product = kernels::detail::packed_product_body<float>();
        for (isize row = 0; row < side; ++row) {
            transform_filters(panel, row, filter, filters);
            for (isize column = 0; column < side; ++column) {
                const isize q = row * side + column;
                product({tiles + q * of.place, of.tile, &segment, 1, inputs, filters + column * filter,
                         products + q * of.products, panel_outputs, of.tiles});
            }
        }
        for (isize row = 0; row < of.images * of.down; ++row) {
            kernels::detail::transform(kernels::detail::winograd_output<Outputs>{
                products + row * of.across * panel_outputs, of.products, of.across,
                sums + row * Outputs * of.pitch * panel_outputs, of.pitch, add});
        }
    }

    /// A row of the transformed kernels of a panel, each of its places `filter` floats after the one before.
    void transform_filters(isize panel, isize row, isize filter, float* to) const {
        constexpr auto rows = kernels::detail::winograd_filter_rows<Outputs>();
        for (isize c = 0; c < kernels_.inputs; c += kernels_.chunk_inputs) {
            kernels::detail::winograd_filter<Outputs, W> problem{};
            std::copy_n(rows.row[row], 3, problem.row);
            problem.weights = kernels_.weights + panel * kernels_.panel + c / kernels_.chunk_inputs * kernels_.chunk;
            problem.tap = kernels_.tap;
            problem.input = kernels_.input;
            problem.depth = std::min(kernels_.chunk_inputs, kernels_.inputs - c);
            problem.to = to + c * panel_outputs;
            problem.to_place = filter;
            kernels::detail::transform(problem);
        }
    }

    winograd_kernels<W> kernels_;
};

}  // namespace ddpm::nn::detail
