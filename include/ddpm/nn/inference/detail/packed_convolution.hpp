// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/inference/detail/staged_input.hpp>
#include <ddpm/nn/inference/detail/staged_memory.hpp>
#include <ddpm/nn/inference/detail/stored_map.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <type_traits>
#include <vector>

namespace ddpm::nn::detail {

/// Where the results of a packed_convolution go: out = (sums + bias + added) · factor.
template <class T, class Out = T>
struct packed_output {
    stored_map<Out> map{};
    const float* bias = nullptr;  ///< null: the layer's own; else `bias_sample` apart for each sample; up to a whole
                                  ///< panel of 32 is read
    isize bias_sample = 0;
    const Out* added = nullptr;  ///< null, or a map like `map`
    float factor = 1;
};

/// A convolution for inference whose weights are packed. The input is normalized and activated while it is read, a
/// second convolution of another input with kernel 1 (a shortcut) is added to the same sums, and bias and residual are
/// added before the results are stored. T is the type of maps and weights.
///
/// A task computes some rows of an image. It copies the rows that it reads, once for each column of the kernel, shifted
/// by that column's distance (`placement`), so that all products read pixels with one distance between them, and no
/// pixel outside of the image is computed.
template <class T>
class packed_convolution {
public:
    packed_convolution() = default;

    explicit packed_convolution(const conv2d<float>& conv, const conv2d<float>* shortcut = nullptr)
        : kernel_(conv.kernel()),
          stride_(conv.stride),
          before_(conv.padding == conv_padding::symmetric ? kernel_ / 2 : 0) {
        const isize inputs = conv.inputs(), outputs = conv.outputs(), taps = kernel_ * kernel_;
        constexpr isize few = 16;  // channels
        gathers_ = taps > 1 && inputs < few && shortcut == nullptr;
        // The shortcut's channels are divided into segments of the same depth, but not into too many.
        const isize shortcut_inputs = shortcut == nullptr ? 0 : shortcut->inputs();
        const isize depth = ddpm::detail::rounded_up(
            std::max(gathers_ ? taps * inputs : inputs, ddpm::detail::divided_up(shortcut_inputs, most_parts)),
            kernels::detail::packed_depth<T>);
        const isize parts = ddpm::detail::divided_up(shortcut_inputs, depth);
        DDPM_ASSERT((gathers_ ? 1 : taps) + parts <= most_segments);
        weights_ = packed_weights<T>(outputs, (gathers_ ? 1 : taps) + parts, depth);
        for (isize o = 0; o < outputs; ++o) {
            for (isize tap = 0; tap < taps; ++tap) {
                for (isize i = 0; i < inputs; ++i) {
                    const float weight = conv.weight[(tap * inputs + i) * outputs + o];
                    gathers_ ? weights_.set(o, 0, tap * inputs + i, weight) : weights_.set(o, tap, i, weight);
                }
            }
            for (isize i = 0; i < shortcut_inputs; ++i) {
                weights_.set(o, taps + i / depth, i % depth, shortcut->weight[i * outputs + o]);
            }
            weights_.add_bias(o, conv.bias[o] + (shortcut == nullptr ? 0 : shortcut->bias[o]));
        }
        place(inputs, shortcut_inputs);
    }

    /// Dense layers of the same input, applied to each pixel; their outputs are joined.
    explicit packed_convolution(std::initializer_list<const dense<float>*> layers) {
        isize outputs = 0;
        for (const dense<float>* layer : layers) {
            outputs += layer->outputs();
        }
        const isize inputs = (*layers.begin())->inputs();
        weights_ = packed_weights<T>(outputs, 1, inputs);
        isize first = 0;
        for (const dense<float>* layer : layers) {
            weights_.set_dense(first, *layer);
            first += layer->outputs();
        }
        place(inputs, 0);
    }

    [[nodiscard]] isize outputs() const noexcept { return weights_.outputs(); }
    [[nodiscard]] const packed_weights<T>& weights() const noexcept { return weights_; }

    /// The number of weights that products read.
    [[nodiscard]] isize weight_count() const noexcept {
        return weights_.segments() * weights_.depth() * weights_.outputs();
    }

    [[nodiscard]] const char* algorithm() const noexcept {
        return gathers_       ? "gathered patches"
               : kernel_ == 1 ? "pointwise"
               : stride_ == 1 ? "shifted rows"
                              : "rows by tap";
    }

    [[nodiscard]] isize output_size(isize size) const noexcept {
        return (size + (before_ > 0 || kernel_ == 1 ? 2 * before_ : 1) - kernel_) / stride_ + 1;
    }

    /// How the pixels of an output are divided.
    [[nodiscard]] pixel_blocks blocks(isize height, isize width) const noexcept {
        // Enough pixels that few rows are read by two tasks; few enough that they fit the second-level cache.
        constexpr isize most_pixels = 448, most_bytes = isize{320} << 10;
        isize rows = std::clamp<isize>(most_pixels / width, 1, height);
        while (rows > 1 && staged_length(rows, width) * isize{sizeof(T)} > most_bytes) {
            --rows;
        }
        isize tasks = ddpm::detail::divided_up(height, rows);
        tasks += tasks > 1 && tasks % 2 != 0 ? 1 : 0;  // an even number of tasks divides better between threads
        return {height, width, ddpm::detail::divided_up(height, tasks)};
    }

    /// out.map must have the sizes and blocks that this layer gives; shortcut is null if there is none.
    /// @determinism the bits of a sample depend on that sample only, on one instruction set
    template <class Out>
    void forward(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        with_product_input<T>([&]<class X>(X) { forward_as<X>(x, shortcut, out); });
    }

private:
    /// A copy of the rows that a task reads, in the staged memory: the pixels that column
    /// `across` and, unless it `spans` rows, row `down` of the kernel multiply.
    struct placement {
        isize source;        // 0: the input, 1: that of the shortcut
        isize first, count;  // channels
        isize down, across;
        bool spans;    // holds all rows of the input that the task reads, one after another
        isize plane;   // planes before this one
        isize inside;  // elements before this one in each pixel
    };

    /// A segment of the products begins at a plane and a row of it.
    struct segment {
        isize plane, row;
    };

    struct staged_tag {};  // for thread_scratch

    void place(isize inputs, isize shortcut_inputs) {
        const isize depth = weights_.depth();
        isize plane = 0;
        if (gathers_) {
            for (isize tap = 0; tap < kernel_ * kernel_; ++tap) {
                placements_.push_back({0, 0, inputs, tap / kernel_, tap % kernel_, false, 0, tap * inputs});
            }
            segments_.push_back({plane++, 0});
        } else if (stride_ == 1) {
            for (isize across = 0; across < kernel_; ++across) {
                placements_.push_back({0, 0, inputs, 0, across, true, plane++, 0});
            }
            for (isize tap = 0; tap < kernel_ * kernel_; ++tap) {
                segments_.push_back({tap % kernel_, tap / kernel_});
            }
        } else {
            for (isize tap = 0; tap < kernel_ * kernel_; ++tap) {
                placements_.push_back({0, 0, inputs, tap / kernel_, tap % kernel_, false, plane, 0});
                segments_.push_back({plane++, 0});
            }
        }
        for (isize first = 0; first < shortcut_inputs; first += depth) {
            placements_.push_back(
                {1, first, std::min(depth, shortcut_inputs - first), before_, before_, false, plane, 0});
            segments_.push_back({plane++, 0});
        }
        planes_ = plane;
    }

    /// Rows of a plane; all planes have as many.
    [[nodiscard]] isize plane_rows(isize rows) const noexcept { return stride_ == 1 ? rows + kernel_ - 1 : rows; }

    [[nodiscard]] isize staged_length(isize rows, isize width) const noexcept {
        return (planes_ * plane_rows(rows) * width + kernels::detail::packed_beyond) * weights_.depth();
    }

    template <class X, class Out>
    void forward_as(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        const pixel_blocks blocks = out.map.blocks;
        const isize tasks = x.samples() * blocks.tasks(), panels = weights_.panels();
        // With few tasks for the threads the outputs are divided too, though each share then copies the input again.
        const isize threads = ddpm::detail::inside_job() ? 1 : thread_count();
        const isize shares =
            threads == 1 || tasks >= 2 * threads ? 1 : std::min(panels, ddpm::detail::divided_up(2 * threads, tasks));
        const isize panels_each = ddpm::detail::divided_up(panels, shares);
        const auto product = kernels::detail::packed_product_body<T>();
        const auto store = kernels::detail::store_block_body<Out>();
        const isize length = staged_length(blocks.rows, blocks.width);
        const isize offset_of_row = blocks.width * weights_.depth();
        const isize plane = plane_rows(blocks.rows) * offset_of_row;
        parallel_for(tasks * shares, 1, [&](isize begin, isize end) {
            X* const staged = staged_memory<staged_tag, X>(length);
            isize offsets[most_segments];
            for (std::size_t s = 0; s < segments_.size(); ++s) {
                offsets[s] = segments_[s].plane * plane + segments_[s].row * offset_of_row;
            }
            for (isize at = begin; at < end; ++at) {
                const isize share = at % shares, task = at / shares % blocks.tasks(), n = at / shares / blocks.tasks();
                stage(x, shortcut, n, task, blocks, staged);
                const isize last = std::min(panels, (share + 1) * panels_each);
                for (isize panel = share * panels_each; panel < last; ++panel) {
                    compute<X>(panel, n, task, staged, offsets, product, store, out);
                }
            }
        });
    }

    static constexpr isize most_segments = 256, most_parts = 64;

    template <class X, class Product, class Store, class Out>
    void compute(isize panel, isize n, isize task, const X* staged, const isize* offsets, Product product, Store store,
                 const packed_output<T, Out>& out) const {
        constexpr isize width = kernels::detail::packed_outputs;
        const pixel_blocks blocks = out.map.blocks;
        alignas(64) float
            sums[static_cast<std::size_t>((pixel_blocks::most_pixels + kernels::detail::packed_beyond) * width)];
        for (isize i = 0; i < blocks.blocks_per_task(); ++i) {
            const isize block = task * blocks.blocks_per_task() + i, pixels = blocks.pixels(block);
            if (pixels == 0) {
                continue;
            }
            const isize first = i * pixel_blocks::most_pixels;
            product({staged + first * weights_.depth(), weights_.depth(), offsets, static_cast<isize>(segments_.size()),
                     weights_.depth(), weights_.panel(panel), sums, width,
                     ddpm::detail::rounded_up(pixels, kernels::detail::packed_pixels)});
            const isize channels = out.map.channels, output = panel * width;
            const isize place = (n * out.map.pixels() + task * blocks.rows * blocks.width + first) * channels + output;
            const float* const bias = out.bias == nullptr ? weights_.bias() : out.bias + n * out.bias_sample;
            store({sums, pixels, std::min(width, channels - output), bias + output,
                   out.added == nullptr ? nullptr : out.added + place, channels, out.factor, out.map.data + place,
                   channels, out.map.moments == nullptr ? nullptr : out.map.moments_of(n, block) + 2 * output});
        }
    }

    /// Copies the rows of sample n that the task reads.
    template <class X>
    void stage(const packed_input<T>& x, const packed_input<T>* shortcut, isize n, isize task,
               const pixel_blocks& blocks, X* staged) const {
        const isize depth = weights_.depth(), first = task * blocks.rows, rows = blocks.rows_of(task);
        for (std::size_t i = 0; i < placements_.size();) {
            const placement& of = placements_[i];
            std::size_t end = i + 1;  // of the placements that copy the same channels
            while (end < placements_.size() && placements_[end].source == of.source &&
                   placements_[end].first == of.first) {
                ++end;
            }
            const packed_input<T>& in = of.source == 0 ? x : *shortcut;
            // A pixel of the row that was read is as long as one of a plane, so that rows can be copied whole.
            const isize pitch = gathers_ ? of.count : depth;
            const isize length = in.parts.front().width * pitch;
            X* const row = staged_memory<read_row_tag, X>(length);
            std::fill_n(row, of.count < pitch ? length : 0, X{});
            isize read = -1;  // the row of the map that `row` holds
            isize top = first * stride_ - before_, bottom = (first + rows - 1) * stride_ - before_ + kernel_ - 1;
            if (of.source == 1) {  // a kernel of one row
                top += of.down;
                bottom = top + (rows - 1) * stride_;
            }
            for (isize y = top; y <= bottom; ++y) {
                const bool inside = y >= 0 && y < in.height();
                const isize wanted = in.upsampled ? y >> 1 : y;
                if (inside && wanted != read) {
                    read_row<X>(in, n, wanted, of.first, of.count, row, pitch);
                    read = wanted;
                }
                for (std::size_t k = i; k < end; ++k) {
                    const placement& to = placements_[k];
                    const isize down = y - top - (to.source == 1 ? 0 : to.down);
                    if (!to.spans && (down < 0 || down % stride_ != 0 || down / stride_ >= rows)) {
                        continue;
                    }
                    const isize at = to.spans ? down : down / stride_;
                    X* const place =
                        staged + (to.plane * plane_rows(blocks.rows) + at) * blocks.width * depth + to.inside;
                    copy_row(in, to, inside ? row : nullptr, pitch, blocks.width, place);
                }
            }
            i = end;
        }
        if (gathers_) {
            const isize used = kernel_ * kernel_ * placements_.front().count;
            for (isize p = 0; used < depth && p < rows * blocks.width; ++p) {
                std::fill_n(staged + p * depth + used, depth - used, X{});
            }
        }
    }

    /// Copies the pixels of a row that column to.across of the kernel multiplies; zeros outside of the image and, for a
    /// null row, everywhere.
    template <class X>
    void copy_row(const packed_input<T>& in, const placement& to, const X* row, isize pitch, isize width,
                  X* place) const {
        const isize depth = weights_.depth(), count = gathers_ ? to.count : depth;
        const isize shift = to.across - before_;
        const isize from = std::min(width, shift < 0 ? ddpm::detail::divided_up(-shift, stride_) : 0);
        const isize limit = in.width() - shift;  // pixels before it are inside
        const isize until =
            row == nullptr ? from : std::max(from, std::min(width, ddpm::detail::divided_up(limit, stride_)));
        for (isize p = 0; p < from; ++p) {
            std::fill_n(place + p * depth, count, X{});
        }
        if (stride_ == 1 && !in.upsampled && count == depth && until > from) {
            std::memcpy(place + from * depth, row + (from + shift) * pitch,
                        static_cast<std::size_t>((until - from) * depth) * sizeof(X));
        } else {
            for (isize p = from; p < until; ++p) {
                const isize x = p * stride_ + shift;
                std::memcpy(place + p * depth, row + (in.upsampled ? x >> 1 : x) * pitch,
                            static_cast<std::size_t>(count) * sizeof(X));
            }
        }
        for (isize p = until; p < width; ++p) {
            std::fill_n(place + p * depth, count, X{});
        }
    }

    packed_weights<T> weights_;
    isize kernel_ = 1, stride_ = 1, before_ = 0;
    bool gathers_ = false;  // few channels: a pixel's whole patch is one segment
    std::vector<placement> placements_;
    std::vector<segment> segments_;
    isize planes_ = 0;
};

}  // namespace ddpm::nn::detail
