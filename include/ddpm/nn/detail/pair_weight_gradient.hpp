// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/thread_scratch.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/pair_panels.hpp>
#include <ddpm/kernels/detail/read_pixels.hpp>
#include <ddpm/nn/detail/staged_memory.hpp>
#include <ddpm/nn/memory/feature_map.hpp>
#include <ddpm/nn/memory/normalized_map.hpp>
#include <ddpm/nn/products.hpp>

#include <algorithm>
#include <cstddef>

namespace ddpm::nn::detail {

/// The positions over which the gradient of a convolution's weights sums: the pixels of its output row by row, each row
/// followed by zeros, and each image by rows of zeros. The input has as many planes as the stride has pixels, each with
/// every stride-th row and column: the pixel of a plane that a tap reads is a fixed distance from the output's position.
struct gradient_positions {
    isize samples, height, width;  ///< of the output
    isize stride;
    isize back, ahead;  ///< the most rows or columns of a plane that a tap reads before and after the output's position

    [[nodiscard]] static gradient_positions of(const convolution_kernel& kernel, const feature_map<const float>& dy) {
        const isize last = kernel.size - 1 - kernel.before;
        return {dy.samples,
                dy.height,
                dy.width,
                kernel.stride,
                ddpm::detail::divided_up(kernel.before, kernel.stride),
                last / kernel.stride};
    }

    /// Zeros after a row, and rows of zeros after an image. Those after a row are those before the next one too: pixels lie
    /// there only if the kernel has no padding before the image, and then it reads none before a row.
    [[nodiscard]] isize border() const noexcept { return std::max(back, ahead); }
    [[nodiscard]] isize pitch() const noexcept { return width + border(); }
    [[nodiscard]] isize image() const noexcept { return (height + border()) * pitch(); }
    [[nodiscard]] isize count() const noexcept { return samples * image(); }

    /// The numbers of positions before and after one that taps read.
    [[nodiscard]] isize before() const noexcept { return back * (pitch() + 1); }
    [[nodiscard]] isize after() const noexcept { return ahead * (pitch() + 1); }

    /// A row or column of the kernel: that of a plane, and its distance from the output's position.
    struct tap_place {
        isize plane, distance;
    };
    [[nodiscard]] tap_place place_of(isize tap, isize kernel_before) const noexcept {
        const isize at = tap - kernel_before + back * stride;  // not negative
        return {at % stride, at / stride - back};
    }

    /// Sets from[i], for i < length, to the pixel of a map at position first + i, or to `zeros` outside of it. `step` is 1
    /// for the output; for the input it is the stride, and the plane begins at (top, left).
    void find_pixels(const feature_map<const float>& map, isize step, isize top, isize left, isize first, isize length,
                     const float* zeros, const float** from) const noexcept {
        isize i = std::min(length, std::max<isize>(0, -first));
        std::fill_n(from, i, zeros);
        const isize columns = std::min(pitch(), ddpm::detail::divided_up(map.width - left, step));
        while (i < length) {  // row by row
            const isize at = first + i, n = at / image(), row = at % image() / pitch() * step + top, x = at % pitch();
            const isize rest = std::min(pitch() - x, length - i);
            const isize inside = n < samples && row < map.height ? std::clamp<isize>(columns - x, 0, rest) : 0;
            const float* pixel = map.data + ((n * map.height + row) * map.width + x * step + left) * map.channels;
            for (isize p = 0; p < inside; ++p, pixel += step * map.channels) {
                from[i + p] = pixel;
            }
            std::fill_n(from + i + inside, rest - inside, zeros);
            i += rest;
        }
    }
};

/// Makes pointers to pixels of x point to what they are read as, which is written to `to`, channels · count. A pointer that
/// is `zeros` stays. Neighbours of one sample, `step` pixels apart, are read together.
inline void normalize_pixels(const normalized_map<float>& x, isize step, isize count, const float* zeros,
                             const float** from, float* to) {
    const isize channels = x.map.channels, image = channels * x.map.pixels();
    isize last = 0;
    for (isize first = 0; first < count; first = last) {
        last = first + 1;
        if (from[first] == zeros) {
            continue;
        }
        const isize n = (from[first] - x.map.data) / image;
        const float* const end = x.map.data + (n + 1) * image;
        while (last < count && from[last] == from[last - 1] + step * channels && from[last] < end) {
            ++last;
        }
        const float* const a = x.factors_of(n);
        kernels::detail::read_pixels<float, float>({from[first], step * channels, last - first, channels, a,
                                                    a + channels, to + first * channels, 0, channels, 0, channels, 1},
                                                   x.act);
        for (isize i = first; i < last; ++i) {
            from[i] = to + i * channels;
        }
    }
}

/// d_weights += Σ over all pixels of dy · patch(x)ᵀ for a convolution, with x and dy rounded to bfloat16.
///
/// Both maps are copied, 4096 positions at a time: dy in blocks of positions with the positions of a channel together, and
/// x in pairs of positions, as weights are packed, so that a tap is a distance in it. A tap at an odd distance needs pairs
/// that begin one position later: a second copy. Tasks have some inputs and outputs, and sum over the blocks one after
/// another for each tap; the sums are then added to the gradient.
/// @determinism the same bits for every thread count
template <class Panels>
void add_weight_gradient_of_pairs(const convolution_kernel& kernel, const normalized_map<float>& x,
                                  const feature_map<const float>& dy, float* d_weights) {
    struct input_tag {};  // for thread_scratch
    struct output_tag {};
    struct zeros_tag {};
    struct sums_tag {};
    struct normalized_tag {};
    constexpr isize panel = kernels::detail::packed_outputs, depth = kernels::detail::packed_depth<bfloat16>;
    constexpr isize block = 256, most_positions = 4096;
    using ddpm::detail::divided_up;
    using ddpm::detail::rounded_up;
    const isize inputs = kernel.inputs, outputs = kernel.outputs, taps = kernel.size * kernel.size;
    const auto positions = gradient_positions::of(kernel, dy);
    const isize planes = kernel.stride * kernel.stride, copies = taps > 1 ? 2 : 1;
    const isize count = rounded_up(positions.count(), depth), beside = positions.before() + positions.after();
    const isize at_once = std::min(count, most_positions), most_blocks = divided_up(at_once, block);
    const isize input_panels = divided_up(inputs, panel), output_panels = divided_up(outputs, panel);
    const isize copy = rounded_up(at_once + beside, 2) * panel, output_block = panel * block;
    bfloat16* const input = staged_memory<input_tag, bfloat16>(input_panels * planes * copies * copy);
    bfloat16* const output = staged_memory<output_tag, bfloat16>(output_panels * most_blocks * output_block);
    float* const zeros = thread_scratch<zeros_tag, float>(std::max(inputs, outputs));
    std::fill_n(zeros, std::max(inputs, outputs), 0.0f);

    // Copies what the products for the positions from `start` on read, `length` of them.
    const auto stage = [&](isize start, isize length) {
        parallel_for(divided_up(length + beside, block), 1, [&](isize begin, isize end) {
            const float* from[static_cast<std::size_t>(block + 1)];
            for (isize b = begin; b < end; ++b) {
                const isize in = std::min(block, rounded_up(length + beside, 2) - b * block);
                for (isize plane = 0; plane < planes; ++plane) {
                    positions.find_pixels(x.map, kernel.stride, plane / kernel.stride, plane % kernel.stride,
                                          start + b * block - positions.before(), in + 1, zeros, from);
                    if (x.factors != nullptr) {
                        float* const read = thread_scratch<normalized_tag, float>((block + 1) * inputs);
                        normalize_pixels(x, kernel.stride, in + 1, zeros, from, read);
                    }
                    for (isize i = 0; i < input_panels; ++i) {
                        bfloat16* const to = input + (i * planes + plane) * copies * copy + b * block * panel;
                        Panels::pair_pixels(from, i * panel, inputs, in, to, copies > 1 ? to + copy : nullptr);
                    }
                }
                const isize out = std::min(block, length - b * block);
                if (out > 0) {
                    positions.find_pixels(dy, 1, 0, 0, start + b * block, out, zeros, from);
                    for (isize o = 0; o < output_panels; ++o) {
                        Panels::transpose_pixels(from, o * panel, outputs, out,
                                                 output + (o * most_blocks + b) * output_block, block);
                    }
                }
            }
        });
    };

    // A task has this many panels of inputs and of outputs: enough that what it reads is used for several products.
    const isize threads = ddpm::detail::inside_job() ? 1 : thread_count();
    isize down = std::min<isize>(2, input_panels), across = std::min<isize>(2, output_panels);
    const auto tasks_of = [&] { return divided_up(input_panels, down) * divided_up(output_panels, across); };
    while (threads > 1 && tasks_of() < 4 * threads && down * across > 1) {
        --(down > across ? down : across);
    }
    const isize tasks_down = divided_up(input_panels, down);
    constexpr isize tile = panel * panel;
    // Adds the products of block b of the copied positions, `length` of it, for panel i of the inputs and panel o of the
    // outputs to the sums of all taps.
    const auto add_block = [&](isize i, isize o, isize b, isize length, float* sums) {
        const isize tall = std::min(panel, outputs - o * panel);
        for (isize odd = 0; odd < 2; ++odd) {  // one copy of the input after the other
            for (isize tap = 0; tap < taps; ++tap) {
                const auto row = positions.place_of(tap / kernel.size, kernel.before);
                const auto column = positions.place_of(tap % kernel.size, kernel.before);
                const isize at = positions.before() + row.distance * positions.pitch() + column.distance;
                if (at % 2 != odd) {
                    continue;
                }
                const isize plane = row.plane * kernel.stride + column.plane, begin = 0;
                const bfloat16* const pairs =
                    input + ((i * planes + plane) * copies + odd) * copy + (b * block + at - odd) * panel;
                Panels::multiply({output + (o * most_blocks + b) * output_block, block, &begin, 1, length, pairs,
                                  sums + tap * tile, panel, rounded_up(tall, kernels::detail::packed_pixels), b > 0});
            }
        }
    };
    const auto add_sums = [&](isize i, isize o, const float* sums) {
        const isize wide = std::min(panel, inputs - i * panel), tall = std::min(panel, outputs - o * panel);
        for (isize tap = 0; tap < taps; ++tap) {
            Panels::add_transposed(sums + tap * tile, tall, wide,
                                   d_weights + (tap * inputs + i * panel) * outputs + o * panel, outputs);
        }
    };
    // Calls take(i, o, sums) for each pair of panels of a task, with the place of its sums in `sums`.
    const auto for_each_pair = [&](isize task, float* sums, const auto& take) {
        const isize first_input = task % tasks_down * down, first_output = task / tasks_down * across;
        for (isize i = first_input; i < std::min(input_panels, first_input + down); ++i) {
            for (isize o = first_output; o < std::min(output_panels, first_output + across); ++o) {
                take(i, o, sums);
                sums += taps * tile;
            }
        }
    };
    for (isize start = 0; start < count; start += at_once) {
        const isize length = std::min(at_once, count - start);
        stage(start, length);
        parallel_for(tasks_of(), 1, [&](isize begin, isize end) {
            const kernels::detail::packed_products_scope scope;
            float* const sums = thread_scratch<sums_tag, float>(down * across * taps * tile);
            for (isize task = begin; task < end; ++task) {
                for (isize b = 0; b * block < length; ++b) {
                    for_each_pair(task, sums, [&](isize i, isize o, float* own) {
                        add_block(i, o, b, std::min(block, length - b * block), own);
                    });
                }
                for_each_pair(task, sums, add_sums);
            }
        });
    }
}

}  // namespace ddpm::nn::detail
