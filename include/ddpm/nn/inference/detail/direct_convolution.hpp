// SPDX-FileCopyrightText: 2026 The ddpm authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ddpm/core/assert.hpp>
#include <ddpm/core/bfloat16.hpp>
#include <ddpm/core/parallel.hpp>
#include <ddpm/core/types.hpp>
#include <ddpm/kernels/detail/packed_product.hpp>
#include <ddpm/kernels/detail/store_block.hpp>
#include <ddpm/nn/inference/detail/convolution_staging.hpp>
#include <ddpm/nn/inference/detail/packed_output.hpp>
#include <ddpm/nn/inference/detail/packed_weights.hpp>
#include <ddpm/nn/inference/detail/staged_input.hpp>
#include <ddpm/nn/inference/detail/staged_memory.hpp>
#include <ddpm/nn/inference/detail/stored_map.hpp>
#include <ddpm/nn/layers/conv2d.hpp>
#include <ddpm/nn/layers/dense.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

namespace ddpm::nn::detail {

/// A packed_convolution by products of the pixels that each tap of the kernel reads.
///
/// A task computes some rows of an image, or some small images: it stages what products read (see convolution_staging),
/// then computes 32 outputs after another.
template <class T>
class direct_convolution {
public:
    direct_convolution() = default;

    /// See packed_convolution.
    explicit direct_convolution(const conv2d<float>& conv, const conv2d<float>* shortcut = nullptr, bool up = false)
        : staging_(conv.kernel(), conv.stride, conv.padding == conv_padding::symmetric ? conv.kernel() / 2 : 0,
                   conv.inputs(), shortcut == nullptr ? 0 : shortcut->inputs(), up),
          outputs_(conv.outputs()),
          weights_(staging_.phases() * phase_panels() * panel_outputs, staging_.segments(), staging_.chunk()) {
        DDPM_ASSERT(!up || (shortcut == nullptr && conv.stride == 1 && conv.padding == conv_padding::symmetric));
        for (isize phase = 0; phase < staging_.phases(); ++phase) {
            for (isize o = 0; o < outputs_; ++o) {
                set_weights(conv, phase, o);
                const isize row = phase * phase_panels() * panel_outputs + o;
                weights_.add_bias(row, conv.bias[o]);
                for (isize i = 0; shortcut != nullptr && i < shortcut->inputs(); ++i) {
                    const auto at = staging_.place_of_shortcut(i);
                    weights_.set(row, at.segment, at.k, shortcut->weight[i * outputs_ + o]);
                }
                weights_.add_bias(row, shortcut == nullptr ? 0 : shortcut->bias[o]);
            }
        }
    }

    /// Dense layers of the same input, applied to each pixel; their outputs are joined.
    explicit direct_convolution(std::initializer_list<const dense<float>*> layers)
        : staging_(1, 1, 0, (*layers.begin())->inputs(), 0, false) {
        for (const dense<float>* layer : layers) {
            outputs_ += layer->outputs();
        }
        weights_ = packed_weights<T>(outputs_, staging_.segments(), staging_.chunk());
        isize first = 0;
        for (const dense<float>* layer : layers) {
            weights_.set_dense(first, *layer);
            first += layer->outputs();
        }
    }

    [[nodiscard]] const packed_weights<T>& weights() const noexcept { return weights_; }
    [[nodiscard]] const convolution_staging<T>& staging() const noexcept { return staging_; }

    /// The number of products for a pixel of the output.
    [[nodiscard]] double pixel_products() const noexcept {
        return static_cast<double>(weights_.segments() * weights_.depth() * outputs_);
    }

    [[nodiscard]] const char* algorithm() const noexcept { return staging_.algorithm(); }
    /// See packed_convolution.
    [[nodiscard]] isize output_size(isize size) const noexcept { return staging_.output_size(size); }
    [[nodiscard]] isize phases() const noexcept { return staging_.phases(); }

    /// See packed_convolution.
    template <class Out>
    void forward(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        with_product_input<T>([&]<class X>(X) { forward_as<X>(x, shortcut, out); });
    }

private:
    using layout = typename convolution_staging<T>::layout;

    struct staged_tag {};  // for thread_scratch
    struct sums_tag {};
    struct offsets_tag {};

    static constexpr isize panel_outputs = kernels::detail::packed_outputs;

    /// The panels of a phase.
    [[nodiscard]] isize phase_panels() const noexcept { return ddpm::detail::divided_up(outputs_, panel_outputs); }

    /// Sets the weights of an output of a phase: sums of those of the kernel's taps that are one tap of the phase.
    void set_weights(const conv2d<float>& conv, isize phase, isize output) {
        const isize inputs = conv.inputs(), taps = conv.kernel() * conv.kernel();
        std::vector<float> sums(static_cast<std::size_t>(staging_.phase_taps()));
        for (isize i = 0; i < inputs; ++i) {
            std::fill(sums.begin(), sums.end(), 0.0f);
            for (isize tap = 0; tap < taps; ++tap) {
                sums[static_cast<std::size_t>(staging_.phase_tap(phase, tap))] +=
                    conv.weight[(tap * inputs + i) * outputs_ + output];
            }
            for (isize tap = 0; tap < staging_.phase_taps(); ++tap) {
                const auto at = staging_.place_of(tap, i);
                weights_.set(phase * phase_panels() * panel_outputs + output, at.segment, at.k,
                             sums[static_cast<std::size_t>(tap)]);
            }
        }
    }

    /// The layout of all tasks but the last ones, which may have fewer rows or images. Results do not depend on it.
    template <class X>
    [[nodiscard]] layout task_layout(isize height, isize width, isize block, isize samples, isize threads) const {
        // Enough pixels that few rows are read by two tasks and weights are read for many; few enough that they fit the
        // second-level cache.
        constexpr isize most_pixels = 512, most_bytes = isize{512} << 10, least_pixels = 128;
        const auto fits = [&](isize images, isize rows) {
            return staging_.layout_of(images, rows, width).length * isize{sizeof(X)} <= most_bytes;
        };
        isize rows = std::clamp<isize>(most_pixels / width, 1, height);
        while (rows > 1 && !fits(1, rows)) {
            --rows;
        }
        isize tasks = ddpm::detail::divided_up(height, rows);
        // The threads should have equal shares if there are few tasks.
        while (tasks * samples < 4 * threads && tasks * samples % threads != 0 &&
               height * width / (tasks + 1) >= least_pixels) {
            ++tasks;
        }
        rows = ddpm::detail::rounded_up(ddpm::detail::divided_up(height, tasks), block);
        isize images = 1;
        if (rows >= height) {
            rows = height;
            images = std::clamp<isize>(most_pixels / (height * width), 1, ddpm::detail::divided_up(samples, threads));
            while (images > 1 && !fits(images, rows)) {
                --images;
            }
        }
        return staging_.layout_of(images, rows, width);
    }

    template <class X, class Out>
    void forward_as(const packed_input<T>& x, const packed_input<T>* shortcut, const packed_output<T, Out>& out) const {
        const isize height = out.map.phase_height(), width = out.map.phase_width(), samples = x.samples();
        const isize threads = ddpm::detail::inside_job() ? 1 : thread_count();
        const layout whole = task_layout<X>(height, width, stored_map<Out>::block_rows(width), samples, threads);
        const isize parts = ddpm::detail::divided_up(height, whole.rows);
        const isize tasks = ddpm::detail::divided_up(samples, whole.images) * parts, panels = weights_.panels();
        // With few tasks for the threads the outputs are divided too, though each share then stages the input again.
        const isize panels_each =
            ddpm::detail::divided_up(panels, std::min(panels, ddpm::detail::divided_up(threads, tasks)));
        const isize shares = ddpm::detail::divided_up(panels, panels_each);
        const auto product = kernels::detail::packed_product_body<T>();
        const auto store = kernels::detail::store_block_body<Out>();
        parallel_for(tasks * shares, 1, [&](isize begin, isize end) {
            isize* const offsets = staged_memory<offsets_tag, isize>(staging_.segments());
            for (isize at = begin; at < end; ++at) {
                const isize share = at % shares, task = at / shares;
                const isize first = task % parts * whole.rows, n = task / parts * whole.images;
                const layout of = staging_.layout_of(std::min(whole.images, samples - n),
                                                     std::min(whole.rows, height - first), width);
                X* const staged = staged_memory<staged_tag, X>(of.length);
                staging_.stage(x, shortcut, n, first, of, staged);
                const isize last = std::min(panels, (share + 1) * panels_each);
                for (isize panel = share * panels_each; panel < last; ++panel) {
                    staging_.find_offsets(of, panel / phase_panels(), offsets);
                    compute<X>(panel, n, first, of, staged, offsets, product, store, out);
                }
            }
        });
    }

    template <class X, class Product, class Store, class Out>
    void compute(isize panel, isize n, isize first, const layout& of, const X* staged, const isize* offsets,
                 Product product, Store store, const packed_output<T, Out>& out) const {
        float* const sums =
            thread_scratch<sums_tag, float>((of.positions + kernels::detail::packed_beyond) * panel_outputs);
        product({staged, weights_.depth(), offsets, weights_.segments(), weights_.depth(), weights_.panel(panel), sums,
                 panel_outputs, of.positions});
        store_panel(panel_sums{sums, of.images, of.rows, of.width, of.image, of.pitch, n, first},
                    panel / phase_panels(), panel % phase_panels(), weights_.bias() + panel * panel_outputs, store,
                    out);
    }

    convolution_staging<T> staging_;
    isize outputs_ = 0;
    packed_weights<T> weights_;  // of the panels of a phase after another
};

}  // namespace ddpm::nn::detail
